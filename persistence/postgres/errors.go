package postgres

import (
	"context"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/leadwire/leadwire/actors/domain"
)

// verdict is what an error from the database means for a commit.
type verdict int

const (
	broken   verdict = iota // the connection is gone; what was sent may or may not have been committed
	rollback                // the server undid it and says that trying again may work (deadlock, timeout)
	full                    // the server cannot write now (disk, memory, connections)
	refused                 // a value it cannot keep: this batch will never succeed as it is
	internal                // our mistake
)

// judge reads an error. SQLSTATE classes: https://www.postgresql.org/docs/15/errcodes-appendix.html
func judge(err error) verdict {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return broken // no answer from the server: network, timeout, closed connection
	}
	switch pg.Code {
	case "57P01", "57P02", "57P03", "57P05", "25P03", "25P04", // shut down, crashed, starting, idle too long
		"25006", "25P02", // read only: we are on a standby after a failover, so look for the primary
		"26000", "0A000", "42P05": // prepared statements that are not what we think (pooler, schema change)
		return broken
	case "57014", "55P03", "23505": // timeout, lock timeout, or a row that another writer made first
		return rollback
	case "58030", "58P01", "58P02": // I/O error on the server
		return full
	}
	switch pg.Code[:2] {
	case "08":
		return broken
	case "40": // serialization failure, deadlock
		return rollback
	case "53":
		return full
	case "22", "23", "54":
		return refused
	}
	return internal
}

// fail wraps an error for callers outside the package.
func fail(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *domain.Error
	if errors.As(err, &known) {
		return known
	}
	switch judge(err) {
	case refused:
		return domain.Fail(op, domain.Invalid, err)
	case internal:
		return domain.Fail(op, domain.Internal, err)
	}
	return domain.Fail(op, domain.Unavailable, err)
}

// retriable says whether a read is worth a second connection: the first may have died in the pool.
func retriable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return false
	}
	return judge(err) == broken
}
