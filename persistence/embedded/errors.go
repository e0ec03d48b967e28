package embedded

import (
	"errors"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

var errClosed = errors.New("the store is closed")

// classify turns what SQLite says into what a caller can do about it. An error that is classified
// already stays as it is.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *domain.Error
	if errors.As(err, &known) {
		return err
	}
	return domain.Fail(op, codeOf(sqlite.ErrCode(err)), err)
}

func codeOf(result sqlite.ResultCode) domain.Code {
	switch result.ToPrimary() {
	case sqlite.ResultConstraint, sqlite.ResultTooBig, sqlite.ResultMismatch, sqlite.ResultRange:
		return domain.Invalid // one operation's fault; the writer finds out whose
	case sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultMisuse:
		return domain.Internal // trying again cannot help
	default: // full, I/O, busy, no memory, read-only remount, an injected failure: it may pass
		return domain.Unavailable
	}
}
