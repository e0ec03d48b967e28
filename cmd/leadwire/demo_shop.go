package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/cmd/leadwire/demo"
	"github.com/leadwire/leadwire/cmd/leadwire/demo/shop"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

const (
	noShop = "none"
	// shopGuests are offered on the shop's first page: as many as a screen shows. crowdGuests walk through it.
	shopGuests  = 6
	crowdGuests = 300
)

// site is the demo's shop with its graph; nil when there is none.
type site struct {
	data     string
	graph    string
	people   synthetic.Population
	listener net.Listener
	shop     *shop.Shop
	guests   []shop.Guest
}

// openSite builds the graph and takes the shop's port, so that the catalog can name both.
func (p play) openSite(ctx context.Context) (_ *site, err error) {
	if p.shop == noShop {
		return nil, nil
	}
	s := &site{data: p.data, people: synthetic.Population{Seed: p.seed, Persons: p.people}}
	if s.graph, err = filepath.Abs(filepath.Join(p.data, "synthetic.lwg")); err != nil {
		return nil, fmt.Errorf("name the graph: %w", err)
	}
	if _, err := s.people.Build(ctx, graph.BuildConfig{Out: s.graph, Memory: 64 << 20}); err != nil {
		return nil, fmt.Errorf("build the synthetic graph: %w", err)
	}
	if s.listener, err = listenShop(ctx, p.shop); err != nil {
		return nil, err
	}
	return s, nil
}

// listenShop takes the usual port, or a free one when somebody has it.
func listenShop(ctx context.Context, address string) (net.Listener, error) {
	usual := address == ""
	if usual {
		address = "127.0.0.1:8081"
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if usual && errors.Is(err, errInUse) {
		l, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen for the shop: %w", err)
	}
	return l, nil
}

// origin is where the shop's pages are.
func (s *site) origin() string { return "http://" + s.listener.Addr().String() }

func (s *site) catalog() *demo.Site {
	if s == nil {
		return nil
	}
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	return &demo.Site{Graph: s.graph, Origins: []string{s.origin(), "http://localhost:" + port}}
}

// open opens the shop for a node whose catalog has its pixel.
func (s *site) open(ctx context.Context, address string) error {
	if s == nil {
		return nil
	}
	for i := range min(crowdGuests, s.people.Persons) {
		s.guests = append(s.guests, guest(s.people, i))
	}
	key, err := s.officeKey(ctx)
	if err != nil {
		return err
	}
	s.shop, err = shop.Open(s.listener, shop.Config{
		Node: "http://" + address, Pixel: string(demo.Pixel), People: s.people.Persons, Guests: advertised(s.guests), Key: key,
	})
	return err
}

// guest is person i of the population, as the shop knows them.
func guest(p synthetic.Population, i int) shop.Guest {
	row := p.Person(i)
	g := shop.Guest{
		Name: row.FirstName + " " + row.LastName, Title: row.Title, Company: row.Company, Email: row.BusinessEmail,
		Visitor: domain.VisitorID(row.Visitors[0]),
	}
	if len(row.Clicks) > 0 {
		g.Click = row.Clicks[0]
	}
	return g
}

// advertised are the guests who once clicked on an advertisement.
func advertised(guests []shop.Guest) []shop.Guest {
	var out []shop.Guest
	for _, g := range guests {
		if g.Click.Kind != "" && len(out) < shopGuests {
			out = append(out, g)
		}
	}
	return out
}

// officeKey makes the key by which the shop's back office reads what leaves.
func (s *site) officeKey(ctx context.Context) (string, error) {
	ask, err := json.Marshal(map[string]any{"account": demo.Account, "name": "the demo's back office", "scopes": []string{string(apikey.AnnouncementsRead)}})
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://node/api/v1/keys", bytes.NewReader(ask))
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	response, err := control.NewClient(s.data).Do(request)
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	defer response.Body.Close()
	var made struct {
		Key string `json:"key"`
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err == nil {
		err = json.Unmarshal(body, &made)
	}
	if err != nil || response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("make a key: %s %s", response.Status, strings.TrimSpace(string(body)))
	}
	return made.Key, nil
}

// crowd sends visitors through the shop until ctx ends; the channel then has how many views were taken.
func (s *site) crowd(ctx context.Context, address string, p play, log *slog.Logger) <-chan int {
	taken := make(chan int, 1)
	if s == nil {
		taken <- 0
		return taken
	}
	c := shop.Crowd{
		Node: "http://" + address, Pixel: string(demo.Pixel), Origin: s.origin(), Guests: s.guests,
		Rate: p.rate, Seed: p.seed, Log: log, Seen: p.view,
	}
	go func() { taken <- c.Run(ctx) }()
	return taken
}

func (s *site) close() error {
	switch {
	case s == nil:
		return nil
	case s.shop != nil:
		return s.shop.Close()
	default:
		return s.listener.Close()
	}
}
