package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is one private PostgreSQL. Its methods are for one goroutine.
type Server struct {
	dir, bin string
	port     int
	owner    *owner // nil: the server runs as whoever runs the test
	place    Place
	proc     *exec.Cmd
	exited   chan struct{} // closed when proc has ended and been waited for
	settings []string
}

// Mode is how a server is stopped.
type Mode syscall.Signal

const (
	Fast      = Mode(syscall.SIGINT)  // sessions are cut, what is committed is flushed
	Immediate = Mode(syscall.SIGQUIT) // no flush; the next start recovers from the log
	Kill      = Mode(syscall.SIGKILL) // the postmaster is shot, and its children follow when they notice
)

// patience bounds a start or a stop: recovery after a kill takes a second or two on a busy machine.
const patience = 60 * time.Second

// ErrMissing says that this machine has no PostgreSQL to run.
var ErrMissing = errors.New("no PostgreSQL server programs found: install the Debian package postgresql-15, or set LEADWIRE_PG_BIN to the folder with initdb and postgres")

// Place is where a server runs and listens.
type Place struct {
	// Host is its one address, open to everybody in its network; empty: 127.0.0.1.
	Host string
	// Run starts its process, in another network for instance; nil: as a child like any other.
	Run func(*exec.Cmd) error
}

// Start makes a cluster in dir (made if need be; it must not hold one yet) and runs it on a free
// loopback port. Settings are server settings, "max_connections=20".
func Start(dir string, settings ...string) (*Server, error) {
	return StartAt(Place{}, dir, settings...)
}

// StartAt is Start in a place of the caller's.
func StartAt(place Place, dir string, settings ...string) (*Server, error) {
	bin, err := findPrograms()
	if err != nil {
		return nil, err
	}
	s := &Server{dir: filepath.Join(dir, "pg"), bin: bin, settings: settings, place: place.withDefaults()}
	if s.owner, err = serverOwner(); err != nil {
		return nil, err
	}
	if err := s.makeCluster(); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	if err := s.StartAgain(); err != nil {
		return nil, err
	}
	return s, nil
}

func (p Place) withDefaults() Place {
	if p.Host == "" {
		p.Host = "127.0.0.1"
	}
	if p.Run == nil {
		p.Run = (*exec.Cmd).Start
	}
	return p
}

// URL is where to connect. Tests add their schema with Fresh.
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://leadwire@%s:%d/postgres?sslmode=disable", s.place.Host, s.port)
}

// Port is the TCP port, the same after every StartAgain.
func (s *Server) Port() int { return s.port }

func (s *Server) makeCluster() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make cluster folder: %w", err)
	}
	if err := s.owner.take(s.dir); err != nil {
		return err
	}
	// --no-sync: a power cut during a test run costs nothing; the running server does sync.
	initdb := exec.Command(filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--username", "leadwire",
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir = s.dir
	s.owner.apply(initdb)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("run initdb: %w: %s", err, out)
	}
	return s.admit()
}

// admit lets clients of its host in; initdb has let in those of this machine.
func (s *Server) admit() error {
	rules, err := os.OpenFile(filepath.Join(s.data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("let clients in: %w", err)
	}
	_, err = fmt.Fprintln(rules, "host all all samenet trust")
	if err = errors.Join(err, rules.Close()); err != nil {
		return fmt.Errorf("let clients in: %w", err)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// StartAgain runs the server after a Stop, on the same data and port, and returns when it answers.
// The children of a killed server live until they notice, and hold the data until then: a start that
// they keep from succeeding is tried again.
func (s *Server) StartAgain() error {
	deadline := time.Now().Add(patience)
	for {
		err := s.launch()
		if err == nil {
			return nil
		}
		if !strings.Contains(err.Error(), "pre-existing shared memory block") || time.Now().After(deadline) {
			return err
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (s *Server) launch() error {
	// A file of its own: what is left of a server that was killed still writes into the one before, over whatever we would
	// look for.
	name := filepath.Join(s.dir, "server.log")
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove server log: %w", err)
	}
	log, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open server log: %w", err)
	}
	defer func() { _ = log.Close() }() // the server has its own handle
	args := []string{"-D", s.data(), "-k", s.dir, "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=" + s.place.Host, "-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	s.proc = exec.Command(filepath.Join(s.bin, "postgres"), args...)
	s.proc.Dir, s.proc.Stdout, s.proc.Stderr = s.dir, log, log
	s.owner.apply(s.proc)
	if err := s.place.Run(s.proc); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.exited = make(chan struct{})
	go func(proc *exec.Cmd, exited chan struct{}) {
		_ = proc.Wait() // how it ended is in its log
		close(exited)
	}(s.proc, s.exited)
	return s.await()
}

// await returns when the server takes connections.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-s.exited:
			return fmt.Errorf("postgres ended while starting: %s", s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("wait for postgres: %w: %s", err, s.logTail())
		}
	}
}

func (s *Server) logTail() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "server.log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// Stop ends the server and returns when it is gone. After Kill its children may serve for a moment
// longer, as on a real machine. It may be stopped already.
func (s *Server) Stop(how Mode) error {
	if s.proc == nil {
		return nil
	}
	if err := s.proc.Process.Signal(syscall.Signal(how)); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal postgres: %w", err)
	}
	select {
	case <-s.exited:
	case <-time.After(patience):
		return errors.New("stop postgres: it is still running")
	}
	s.proc = nil
	return nil
}

// freePort asks the kernel for a port nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
