// Package identitydb is an identity graph's slow tier in PostgreSQL: what is too big or too new for the graph's
// file. identity.Slow asks it, with a deadline, a bound and a memory; this package asks the database.
//
//	Lookup(keys, strongest first) ── one statement, one round trip ──▶ the person, its company, the key that decided
//
// The person comes with every e-mail and phone that finds it, also those that its record lacks, so that a suppression
// by any of them is seen. It costs an index scan of the person's keys, a handful.
//
// It only reads. Every connection is read-only by its settings, and a role that may SELECT the three tables is
// enough; Migrate, which makes them, is a call of its own and may run as somebody else. What is in the tables is
// said in migrations/0001_init.sql.
//
// A database that is away does not keep a node from starting: lookups fail, are counted by identity.Slow, and
// work again when it is back.
package identitydb
