package postgres

import _ "embed"

// The statements of the write path are files of their own, to be read, explained and planned as SQL.
// They are sent as prepared statements and not kept in the database as functions: then every node runs
// the ones it was built with, also while a cluster is being upgraded node by node.
var (
	//go:embed sql/lock_partitions.sql
	sqlLockPartitions string
	//go:embed sql/lock_leads.sql
	sqlLockLeads string
	//go:embed sql/lock_feeds.sql
	sqlLockFeeds string
	//go:embed sql/receive.sql
	sqlReceive string
	//go:embed sql/decide.sql
	sqlDecide string
	//go:embed sql/seen.sql
	sqlSeen string
)
