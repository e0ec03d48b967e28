package postgres

import (
	_ "embed"
	"strings"
)

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
	//go:embed sql/lock_basis.sql
	sqlLockBasis string
	//go:embed sql/lock_heads.sql
	sqlLockHeads string
	//go:embed sql/observe.sql
	sqlObserve string
	//go:embed sql/give_back.sql
	sqlGiveBack string
	//go:embed sql/learn.sql
	sqlLearn string
	//go:embed sql/judge.sql
	sqlJudge string
	//go:embed sql/decide_announcing.sql
	sqlDecideEnd string

	// A decision that announces nothing must not pay for those that do: the start-up of a wide statement is
	// most of what a small batch costs. So there are two, of one text.
	sqlDecideAnnouncing = strings.Replace(sqlDecide, beforeAnswer, "\n"+sqlDecideEnd+beforeAnswer[1:], 1)
)

// beforeAnswer is where decide.sql goes over from what it writes to what it answers.
const beforeAnswer = "\n)\nSELECT ord,"
