package arena

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/vishvananda/netlink"
)

// ErrForbidden says that this program may not have a network of its own.
var ErrForbidden = errors.New("a network of our own needs root and Linux namespaces: run the test as root (sudo -E go test ...), in a container with --cap-add SYS_ADMIN,NET_ADMIN")

// inside marks the program that runs in a network of its own.
const inside = "LEADWIRE_ARENA"

// Enter runs this program a second time, alone in a network of its own, and returns its exit code and true. In that
// second run, and where it is not allowed, it returns false: Open tells the two apart.
func Enter() (code int, done bool) {
	if os.Getenv(inside) != "" {
		if err := wake(); err != nil {
			fmt.Fprintln(os.Stderr, "the network of the tests:", err)
			return 1, true
		}
		return 0, false
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	// The main goroutine holds its thread until the program has ended, so this is the program's own death.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 0, false
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s) // go test asks for the stacks of a test that hangs
		}
	}()
	err := cmd.Wait()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0, true
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		return ended.ExitCode(), true
	default:
		fmt.Fprintln(os.Stderr, "the tests in their own network:", err)
		return 1, true
	}
}

// wake gives the new network what every machine has: itself.
func wake() error {
	kernel, err := netlink.NewHandle()
	if err != nil {
		return fmt.Errorf("talk to the kernel: %w", err)
	}
	defer kernel.Close()
	return loopbackUp(kernel)
}
