package postgres

import (
	_ "embed"
	"fmt"
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
	//go:embed sql/owe.sql
	sqlOwe string
	//go:embed sql/lock_endpoints.sql
	sqlLockEndpoints string
	//go:embed sql/attempt.sql
	sqlAttempt string
	//go:embed sql/attempt_announcing.sql
	sqlAttemptEnd string

	// A decision that announces nothing must not pay for those that do, nor one that owes nothing for those that
	// owe: the start-up of a wide statement is most of what a small batch costs. So there are three, of one text, and
	// two judgements.
	sqlDecideAnnouncing = extended(sqlDecide, sqlDecideEnd, answerSaid)
	sqlDecideOwing      = extended(sqlDecideAnnouncing, oweFrom(29), `
UNION ALL
SELECT said, 'owed', place, n, '', behind::int, '', '', '', NULL, '', 0, 0, 0, 0, due_at, NULL, NULL FROM owed`)
	sqlJudgeOwing = extended(sqlJudge, oweFrom(23), `
UNION ALL
SELECT said, 'owed', behind::int, 0, NULL, place, n, due_at FROM owed`)
	// An attempt that announces does so to an endpoint, so of these there are two.
	sqlAttemptOwing = extended(extended(sqlAttempt, sqlAttemptEnd, `
UNION ALL
SELECT of, 'said', nth, seq, false, NULL FROM said`), oweFrom(34), `
UNION ALL
SELECT said, 'owed', place, n, behind, due_at FROM owed`)
)

// answerSaid adds the numbers of announcements to a decision's answers.
const answerSaid = `
UNION ALL
SELECT of, 'said', nth, seq, '', 0, '', '', '', NULL, '', 0, 0, 0, 0, NULL, NULL, NULL FROM said`

// beforeAnswer is where decide.sql and judge.sql go over from what they write to what they answer.
const beforeAnswer = "\n)\nSELECT ord,"

// extended puts more at the end of what a statement writes, and at the end of what it answers.
func extended(sql, writes, answers string) string {
	return strings.Replace(strings.TrimSuffix(sql, "\n"), beforeAnswer, "\n"+strings.TrimSuffix(writes, "\n")+beforeAnswer, 1) + answers
}

// oweFrom is owe.sql with the numbers of its arguments, from the first on.
func oweFrom(first int) string {
	var numbered []string
	for i, name := range []string{"$said", "$account", "$at", "$lead", "$endpoint", "$class"} {
		numbered = append(numbered, name+"::", fmt.Sprintf("$%d::", first+i))
	}
	return strings.NewReplacer(numbered...).Replace(sqlOwe)
}
