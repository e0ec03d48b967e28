package arena

import (
	"errors"
	"os"
)

// T is the part of testing.TB that Require needs.
type T interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
}

// Require ends a test if err is not nil: a skip where a network of our own is not allowed, unless the environment has
// CI_REQUIRE_REAL_PARTS=1, else a failure.
func Require(t T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrForbidden) && os.Getenv("CI_REQUIRE_REAL_PARTS") != "1":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}
