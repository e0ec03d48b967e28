// Package pgtest runs a private PostgreSQL for tests and benchmarks: a real one, with fsync on, in a
// folder of its own, so that what is proven here holds outside.
//
//	Main(m) ──▶ tests ──▶ Fresh(t): a new schema in the one server of this test binary
//	                 └──▶ Start(dir): a server of the test's own, to stop, kill and start again
//
// It looks for the server's programs in $LEADWIRE_PG_BIN, in PATH and where Debian puts them. Where
// there are none, tests skip and say how to get them; with CI_REQUIRE_REAL_PARTS=1 they fail.
//
// PostgreSQL refuses to run as root, so for root the server runs as the user postgres (or nobody).
package pgtest
