package chaos_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/arena"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// binaryFile names the program under test to the run of this program that is inside the arena.
const binaryFile = "CHAOS_BINARY"

func TestMain(m *testing.M) {
	flag.Parse() // by which testing.Short knows
	if testing.Short() || os.Getenv(binaryFile) != "" {
		os.Exit(run(m))
	}
	dir, err := os.MkdirTemp("", "leadwire-chaos-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := built(m, filepath.Join(dir, "leadwire"))
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func built(m *testing.M, binary string) int {
	args := []string{"build", "-o", binary}
	if raceEnabled {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "github.com/leadwire/leadwire/cmd/leadwire")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(binaryFile, binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run(m)
}

func run(m *testing.M) int {
	if code, done := arena.Enter(); done {
		return code
	}
	return pgtest.Main(m)
}
