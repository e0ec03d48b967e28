// Package pgtest gives tests a real PostgreSQL (package pgserver):
//
//	Main(m) ──▶ tests ──▶ Fresh(t): a new schema in the one server of this test binary
//	                 ├──▶ Copied(t, prepare): a database there, copied from one that was prepared once
//	                 └──▶ pgserver.Start(dir): a server of the test's own, to stop, kill and start again
//
// Where there is none, tests skip and say how to get it; with CI_REQUIRE_REAL_PARTS=1 they fail.
package pgtest
