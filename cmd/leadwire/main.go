// Command leadwire takes signed CRM webhooks and shows each as a row on one buyer's screen, durable at
// every step. This package only wires: settings to packages, signals to a stop, answers to exit codes.
//
//	serve ──▶ node: store ─ cluster ─ actors ─ edge         apply ──▶ a running node, or its store
//	demo  ──▶ node + a CRM that sends                       migrate, backup ──▶ the store
//	bench ──▶ a serve of its own + load                     graph ──▶ a file
//	suppress, person, key, pixel, announcements, audit, endpoint, deliveries, replays, secrets, graph use ──▶ a running node's API, or the same over its store
//	version
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes: 0 done, 1 refused or broken, 2 misused (flags, configuration), 130 stopped at once by a
// second signal.
const (
	exitBroken  = 1
	exitMisused = 2
	exitAtOnce  = 130
)

func main() {
	ctx, release := untilSignal(context.Background(), os.Exit)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	release()
	os.Exit(code)
}

// untilSignal returns a context that the first SIGINT or SIGTERM ends, and a function that gives the
// signals back. The second signal calls exit: whoever asks twice does not want to wait for what hangs.
func untilSignal(parent context.Context, exit func(int)) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for asked := false; ; asked = true {
			select {
			case <-signals:
				cancel()
				if asked {
					exit(exitAtOnce)
				}
			case <-over:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(over)
		<-done
		cancel()
	}
}

// run is the program without the process: arguments in, exit code out.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.InitDefaultHelpCmd()
	_, _, err := root.Find(args)
	if err != nil {
		err = &misuse{err}
	} else {
		err = root.ExecuteContext(ctx)
	}
	var misuse *misuse
	switch {
	case err == nil:
		return 0
	case errors.As(err, &misuse):
		fmt.Fprintf(stderr, "leadwire: %v\n", err)
		return exitMisused
	default:
		fmt.Fprintf(stderr, "leadwire: %v\n", err)
		return exitBroken
	}
}

// misuse is an error of the command line or of the configuration.
type misuse struct{ err error }

func (m *misuse) Error() string { return m.err.Error() }
func (m *misuse) Unwrap() error { return m.err }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "leadwire",
		Short:         "A signed CRM webhook becomes a row on a buyer's screen, durable at every step",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &misuse{err} })
	root.AddCommand(newServe(), newDemo(), newApply(), newMigrate(), newBackup(), newGraph(), newBench(), newVersion(),
		newSuppress(), newPerson(), newKey(), newPixel(), newAnnouncements(), newAudit(), newEndpoint(), newDeliveries(), newReplays(), newSecrets(), newCluster())
	return root
}
