package shop

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"slices"
	"time"
)

//go:embed pages/*.html
var pages embed.FS

// Config is what the shop shows.
type Config struct {
	Node   string // URL of the node that serves the script: "http://127.0.0.1:8080"
	Pixel  string
	People int     // in the graph, for the note that says what is synthetic
	Guests []Guest // offered on the first page
	// Key reads the account's announcements for the back office.
	Key string
}

// Shop is a running shop.
type Shop struct {
	http     *http.Server
	listener net.Listener
	served   chan struct{}
	office   *office
}

// Open serves the shop from listener until Close.
func Open(listener net.Listener, cfg Config) (*Shop, error) {
	all, err := template.ParseFS(pages, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the shop's pages: %w", err)
	}
	s := &Shop{listener: listener, served: make(chan struct{}), office: newOffice(cfg.Node, cfg.Key)}
	mux := http.NewServeMux()
	for _, p := range routes {
		mux.HandleFunc("GET "+p.path, show(all, p.page, func() any { return view{Config: cfg, Page: p.page, Title: p.title} }))
	}
	mux.HandleFunc("GET /back-office", show(all, "office", func() any {
		left, err := s.office.read(context.Background())
		return officeView{view{Config: cfg, Page: "office", Title: "Back office"}, left, err}
	}))
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(listener) // ends with Close
	}()
	return s, nil
}

// Addr is where the shop is.
func (s *Shop) Addr() string { return s.listener.Addr().String() }

// Close ends the shop, and whoever is looking at it.
func (s *Shop) Close() error {
	err := s.http.Close()
	<-s.served
	s.office.close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

var routes = []struct{ path, page, title string }{
	{"/{$}", "home", "Sunny Side Solar"},
	{"/products", "products", "Products"},
	{"/pricing", "pricing", "Pricing"},
	{"/contact", "contact", "Contact"},
	{"/planner", "planner", "Roof planner"},
	{"/planner/{step}", "planner", "Roof planner"},
}

type view struct {
	Config
	Page, Title string
}

type officeView struct {
	view
	Left []Left
	Err  error
}

// Newest is what left, newest first.
func (v officeView) Newest() []Left {
	left := slices.Clone(v.Left)
	slices.Reverse(left)
	return left
}

func show(all *template.Template, page string, data func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		var out bytes.Buffer
		if err := all.ExecuteTemplate(&out, page, data()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(out.Bytes()) // a browser that has left
	}
}
