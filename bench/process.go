package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// process is a server of our own: the real command, in a process and a folder of its own.
type process struct {
	exe    string
	store  string // "" is the embedded one
	dir    string
	args   []string // further arguments of serve
	cmd    *exec.Cmd
	exited chan struct{} // closed once waitErr is set
	failed error
	URL    string

	profileTo, profiler string // a file, and where its server gives the profile for it; empty: none
}

const (
	startTime = 30 * time.Second
	stopTime  = 30 * time.Second // longer than the server's own --stop-timeout
)

// startProcess runs "serve" and waits until it is ready.
func startProcess(ctx context.Context, cfg ServerConfig) (p *process, err error) {
	p = &process{exe: cfg.Executable, store: cfg.Store, profileTo: cfg.Profile, args: cfg.Args}
	if p.exe == "" {
		if p.exe, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find own executable: %w", err)
		}
	}
	if p.profileTo != "" {
		if p.profiler, err = freeAddress(); err != nil {
			return nil, fmt.Errorf("find a port for the profile: %w", err)
		}
	}
	if p.dir, err = os.MkdirTemp("", "leadwire-bench-"); err != nil {
		return nil, fmt.Errorf("make a folder for the server: %w", err)
	}
	if err := p.spawn(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.dir))
	}
	if err := p.untilReady(ctx); err != nil {
		logged := p.lastLines()
		return nil, errors.Join(fmt.Errorf("start server: %w%s", err, logged), p.stop())
	}
	return p, nil
}

func (p *process) spawn() error {
	log, err := os.OpenFile(filepath.Join(p.dir, "server.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	defer log.Close()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--address-file", p.addressFile(), "--log-format", "text"}, p.storage()...)
	if p.profiler != "" {
		args = append(args, "--pprof", p.profiler)
	}
	p.cmd = exec.Command(p.exe, append(args, p.args...)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = plainEnvironment(os.Environ())
	p.cmd.SysProcAttr = ownGroup() // Ctrl-C is for us: the server is stopped after its last figures were read
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	p.exited = make(chan struct{})
	go func() {
		p.failed = p.cmd.Wait()
		close(p.exited)
	}()
	return nil
}

// again runs a server that has ended, in its place, and waits until it is ready.
func (p *process) again(ctx context.Context) error {
	if err := os.Remove(p.addressFile()); err != nil && !errors.Is(err, os.ErrNotExist) { // one that was killed leaves it
		return fmt.Errorf("start server again: %w", err)
	}
	if err := p.spawn(); err != nil {
		return err
	}
	if err := p.untilReady(ctx); err != nil {
		return fmt.Errorf("start server again: %w%s", err, p.lastLines())
	}
	return nil
}

func (p *process) addressFile() string { return filepath.Join(p.dir, "address") }

func (p *process) storage() []string {
	args := []string{"--data", filepath.Join(p.dir, "data")}
	if p.store != "" {
		args = append(args, "--store", p.store)
	}
	return args
}

// plainEnvironment leaves out the product's own settings: what is measured is what the command line says.
func plainEnvironment(all []string) []string {
	var plain []string
	for _, v := range all {
		if !strings.HasPrefix(v, "LEADWIRE_") {
			plain = append(plain, v)
		}
	}
	return plain
}

// untilReady waits for the address file, then for /readyz.
func (p *process) untilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	last := errors.New("no address yet")
	for {
		select {
		case <-p.exited:
			return fmt.Errorf("it ended: %w", errors.Join(p.failed, last))
		case <-ctx.Done():
			return fmt.Errorf("it is not ready: %w (%w)", last, ctx.Err())
		case <-ticker.C:
		}
		address, err := os.ReadFile(p.addressFile())
		if err != nil || len(bytes.TrimSpace(address)) == 0 {
			continue
		}
		p.URL = "http://" + strings.TrimPrefix(string(bytes.TrimSpace(address)), "http://")
		if _, last = fetch(ctx, client, p.URL+"/readyz", maxPage); last == nil {
			return nil
		}
	}
}

// apply runs "apply" with a catalog on the running server and returns what it printed.
func (p *process) apply(ctx context.Context, catalog []byte, more ...string) ([]byte, error) {
	args := append([]string{"apply", "-f", "-", "--json"}, p.storage()...)
	cmd := exec.CommandContext(ctx, p.exe, append(args, more...)...)
	cmd.Stdin = bytes.NewReader(catalog)
	cmd.Env = plainEnvironment(os.Environ())
	cmd.SysProcAttr = ownGroup()
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, domain.Fail("apply the catalog", domain.Internal, fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaint.Bytes())))
	}
	return out.Bytes(), nil
}

// stop ends the server gracefully, or after stopTime not, and removes its folder.
func (p *process) stop() error { return errors.Join(p.leave(), os.RemoveAll(p.dir)) }

// leave ends the server gracefully, or after stopTime not.
func (p *process) leave() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	select {
	case <-p.exited:
		return nil
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.exited
		return domain.Fail("stop server", domain.Internal, fmt.Errorf("it did not stop within %s and was killed", stopTime))
	}
}

// lastLines is the end of the server's log, for an error about it.
func (p *process) lastLines() string {
	const most = 2000
	log, err := os.ReadFile(filepath.Join(p.dir, "server.log"))
	if err != nil || len(log) == 0 {
		return ""
	}
	return "\nits log ends with:\n" + string(log[max(0, len(log)-most):])
}
