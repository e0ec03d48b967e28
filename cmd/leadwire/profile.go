package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// profile serves Go's profiler on an address of its own, away from the public port; empty: not at all.
func profile(address string, log *slog.Logger) (io.Closer, error) {
	if address == "" {
		return io.NopCloser(nil), nil
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the profiler on %s: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	p := &profiler{server: server, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = server.Serve(listener) // ends with Close
	}()
	log.Info("profiler listens", "address", listener.Addr().String())
	return p, nil
}

type profiler struct {
	server *http.Server
	done   chan struct{}
}

// Close cuts off whoever is profiling: it must not hold up a stop.
func (p *profiler) Close() error {
	err := p.server.Close()
	<-p.done
	return err
}
