// Package pgserver runs a private PostgreSQL: a real one, with fsync on, in a folder of its own. The bench
// measures against it, and tests (package pgtest) stop, kill and start it again.
//
// It looks for the server's programs in $LEADWIRE_PG_BIN, in PATH and where Debian puts them (ErrMissing).
// PostgreSQL refuses to run as root, so for root the server runs as the user postgres (or nobody).
package pgserver
