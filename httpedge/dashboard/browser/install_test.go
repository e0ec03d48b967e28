package browser

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the tests need of this machine is there, and the driver's module can be fetched. The checks that
// come before a test run ask for this test alone.
func TestDriverInstalls(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Chromium, Node and the npm registry")
	}
	p, err := find()
	var missing errMissing
	if errors.As(err, &missing) && os.Getenv("CI_REQUIRE_REAL_PARTS") != "1" {
		t.Skip(err)
	}
	require.NoError(t, err)
	require.FileExists(t, p.driver+"/node_modules/playwright-core/package.json")
}
