package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/httpedge/admin"
)

// Node is what the socket gives access to.
type Node interface {
	Apply(ctx context.Context, r provision.Request) (provision.Outcome, error)
	Status() Status
	API() *admin.API
}

// maxRequest is the catalog's limit as JSON, which is longer than YAML.
const maxRequest = 4 * provision.MaxFile

// Server answers on a control socket.
type Server struct {
	http   *http.Server
	served chan struct{} // closed when the socket is
}

// Serve listens on the socket of a data folder. The caller holds the folder's store, so a socket
// that is there already was left by a process that is gone, and is replaced.
func Serve(data string, node Node) (*Server, error) {
	path := Socket(data)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replace control socket: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on control socket (at most 107 bytes of path): %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // also where the folder is older than we and open to others
		return nil, errors.Join(fmt.Errorf("close control socket to others: %w", err), listener.Close())
	}
	s := &Server{
		http: &http.Server{
			Handler:           handler(node),
			ReadHeaderTimeout: 10 * time.Second, // a hung command must not keep a node from stopping
			MaxHeaderBytes:    16 << 10,
		},
		served: make(chan struct{}),
	}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(listener) // ends with Close
	}()
	return s, nil
}

// Close finishes what is being answered, as long as ctx allows, and removes the socket.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("close control socket: %w", err), s.http.Close())
	}
	<-s.served
	return err
}

func handler(node Node) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, node.Status())
	})
	mux.HandleFunc("POST /apply", func(w http.ResponseWriter, r *http.Request) {
		var request provision.Request
		if !read(w, r, &request) {
			return
		}
		out, err := node.Apply(r.Context(), request)
		answer(w, out, err)
	})
	mux.Handle("/api/v1/", API(node.API()))
	return mux
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(into)
	if err != nil {
		answer(w, provision.Outcome{}, domain.Fail("read request", domain.Invalid, err))
	}
	return err == nil
}

func answer(w http.ResponseWriter, out provision.Outcome, err error) {
	a, status := Answer{Outcome: out}, http.StatusOK
	if err != nil {
		a.Error, a.Code, status = err.Error(), domain.CodeOf(err), http.StatusUnprocessableEntity
	}
	reply(w, status, a)
}

// reply writes JSON. A caller that has gone away is no concern of the node.
func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
