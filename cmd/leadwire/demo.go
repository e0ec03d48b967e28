package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/cmd/leadwire/demo"
	"github.com/leadwire/leadwire/cmd/leadwire/node"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
)

// play is what the demo can be told.
type play struct {
	listen    string
	shop      string // address of the shop; noShop: there is none
	people    int    // in the synthetic graph
	data      string
	rate      float64
	duration  time.Duration
	seed      uint64
	logFormat string
	logLevel  string
	acked     func(int) // for tests: hears of each webhook that was acknowledged
	row       func()    // and of each row that a desk was shown
	view      func()    // and of each page view of the shop's crowd
}

const demoLong = `Run a node on a temporary store, with one account, five buyers and a CRM of its own that sends signed
webhooks of real shape to the public port; a small shop with the pixel on it, whose visitors are matched
against an identity graph of people who do not exist; and a customer's endpoint that is posted what leaves. Open the printed pages and watch leads arrive, or be
one of the visitors; Ctrl-C ends the demo and prints how long each segment of the leads' way took. Nothing
but this program is needed.`

func newDemo() *cobra.Command {
	var p play
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch leads arrive, with nothing set up",
		Long:  demoLong,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.rate <= 0 || p.rate > 1000 {
				return &misuse{errors.New("rate: must be over 0 and at most 1000; leadwire bench measures more")}
			}
			if p.people < shopGuests || p.people > 10_000_000 {
				return &misuse{fmt.Errorf("people: must be %d to 10000000; leadwire graph build makes larger graphs", shopGuests)}
			}
			log, err := newLogger(cmd.ErrOrStderr(), p.logFormat, p.logLevel)
			if err != nil {
				return err
			}
			return p.run(cmd.Context(), cmd.OutOrStdout(), log)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&p.listen, "listen", "", "address of the page; default: 127.0.0.1:8080, or a free port when that is taken")
	fs.StringVar(&p.shop, "shop", "", "address of the shop; default: 127.0.0.1:8081, or a free port when that is taken; none: no shop")
	fs.IntVar(&p.people, "people", 200_000, "people in the synthetic identity graph")
	fs.StringVar(&p.data, "data", "", "keep the store in this folder; default: a temporary one, removed at the end")
	fs.Float64Var(&p.rate, "rate", 2, "webhooks a second: quick enough to watch, slow enough to read")
	fs.DurationVar(&p.duration, "duration", 0, "end by itself after this; 0: at Ctrl-C")
	fs.Uint64Var(&p.seed, "seed", uint64(time.Now().UnixNano()), "tell the same story again")
	fs.StringVar(&p.logFormat, "log-format", "auto", "auto (text on a terminal, JSON elsewhere), text or json")
	fs.StringVar(&p.logLevel, "log-level", "warn", "debug, info, warn or error")
	fs.Lookup("seed").DefValue = "the time"
	return cmd
}

func (p play) run(ctx context.Context, out io.Writer, log *slog.Logger) (err error) {
	if p.data == "" {
		if p.data, err = os.MkdirTemp("", "leadwire-demo-"); err != nil {
			return fmt.Errorf("make a temporary folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(p.data)) }()
	}
	n, err := p.start(ctx, log)
	if err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, n.Stop(stopping))
	}()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key pair: %w", err)
	}
	site, err := p.openSite(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.close()) }()
	customer, err := demo.OpenCustomer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, customer.Close()) }()
	tokens, err := settle(ctx, n, public, customer.URL(), site.catalog())
	if err != nil {
		return err
	}
	if err := p.introduce(ctx, customer); err != nil {
		return err
	}
	if err := site.open(ctx, n.Addr()); err != nil {
		return err
	}
	p.greet(out, n.Addr(), tokens, site)
	if p.duration > 0 { // of the show, not of the preparations
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.duration)
		defer cancel()
	}
	desks, leave := p.openDesks(ctx, n.Addr(), tokens)
	defer desks.Wait()
	defer leave()
	crowd := site.crowd(ctx, n.Addr(), p, log)
	sender := demo.Sender{URL: "http://" + n.Addr() + "/leads/webhook/" + string(demo.Source), Key: private, Rate: p.rate, Log: log, Acked: p.acked}
	acked := sender.Run(ctx, demo.NewStory(p.seed))
	fmt.Fprintf(out, "\n%d webhooks and %d page views were acknowledged.\n\n", acked, <-crowd)
	if err := demo.WriteTable(out, n.Segments()); err != nil {
		return err
	}
	taken, median, refused := customer.Told()
	fmt.Fprintf(out, "\nA customer's endpoint took %d events, half of them within %v of the decision; %d were not signed as they should be.\n", taken, median.Round(time.Millisecond), refused)
	return nil
}

// introduce makes the customer's endpoint a secret, which is shown this once.
func (p play) introduce(ctx context.Context, customer *demo.Customer) error {
	var made struct {
		Secret string `json:"secret"`
	}
	q := question{method: "POST", path: "/endpoints/" + string(demo.Endpoint) + "/secrets", query: set("account", string(demo.Account)),
		kind: "application/json", body: jsonBody(map[string]string{"kind": "hmac", "keep_old": "0s"})}
	if err := q.ask(ctx, control.NewClient(p.data), &made); err != nil {
		return fmt.Errorf("make the customer's secret: %w", err)
	}
	return customer.Trust(made.Secret)
}

// openDesks watches every buyer's feed.
func (p play) openDesks(ctx context.Context, address string, tokens []provision.Token) (*sync.WaitGroup, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	var desks sync.WaitGroup
	for _, t := range tokens {
		desk := demo.Desk{URL: "http://" + address + "/api/buyer/events", Token: t.Token, Row: p.row}
		desks.Go(func() { desk.Run(ctx) })
	}
	return &desks, cancel
}

// start brings the node up: on the usual port, or on a free one when somebody has it.
func (p play) start(ctx context.Context, log *slog.Logger) (*node.Node, error) {
	config := node.Config{Data: p.data, Listen: p.listen, Farewell: time.Millisecond}
	config.Edge.DrainGrace = -1         // there is no balancer to notice
	config.Outbound.AllowPrivate = true // the customer is on this machine
	if p.listen != "" {
		return node.Start(ctx, config, node.Deps{Log: log, Version: version()})
	}
	config.Listen = "127.0.0.1:8080"
	n, err := node.Start(ctx, config, node.Deps{Log: log, Version: version()})
	if errors.Is(err, errInUse) {
		config.Listen = "127.0.0.1:0"
		return node.Start(ctx, config, node.Deps{Log: log, Version: version()})
	}
	return n, err
}

// settle applies the demo's catalog. A store that somebody set up for something else stays as it is.
func settle(ctx context.Context, n control.Node, key ed25519.PublicKey, endpoint string, site *demo.Site) ([]provision.Token, error) {
	market := demo.Market(key, time.Now(), endpoint, site)
	now, err := n.Apply(ctx, provision.Request{Catalog: market, DryRun: true})
	if err != nil {
		return nil, err
	}
	for _, change := range now.Changes {
		if change.Op == domain.Remove {
			return nil, fmt.Errorf("the store holds something that is not the demo's (%s): choose another --data", change.Entity)
		}
	}
	out, err := n.Apply(ctx, provision.Request{Catalog: market, AllTokens: true})
	return out.Tokens, err
}

func (p play) greet(out io.Writer, address string, tokens []provision.Token, site *site) {
	fmt.Fprintf(out, "Leadwire is at http://%s, and a CRM sends %g webhooks a second.\n\n", address, p.rate)
	for i, t := range tokens {
		if i == 0 {
			fmt.Fprintf(out, "  Watch %s's page:\n\n    %s\n\n  The other buyers':\n\n", t.Buyer, pageURL(address, t.Token))
			continue
		}
		fmt.Fprintf(out, "    %-14s %s\n", t.Buyer, pageURL(address, t.Token))
	}
	fmt.Fprintf(out, "\n  The same as a stream:\n\n    curl -N -H 'Authorization: Bearer %s' http://%s/api/buyer/events\n\n", tokens[0].Token, address)
	if site != nil {
		fmt.Fprintf(out, "  Or be a visitor, of a shop with the pixel on it:\n\n    http://%s\n\n", site.shop.Addr())
		fmt.Fprintf(out, "  It is matched against %d people in %s: all of them are synthetic.\n\n", p.people, site.graph)
	}
	fmt.Fprintf(out, "  What leaves is posted to a customer's endpoint, signed. What was sent, and what it answered:\n\n    leadwire deliveries list --account %s --data %s\n\n", demo.Account, p.data)
	if p.duration > 0 {
		fmt.Fprintf(out, "It ends after %s.\n", p.duration)
		return
	}
	fmt.Fprintln(out, "Ctrl-C ends it.")
}

// errInUse is what a taken port is refused with.
const errInUse = syscall.EADDRINUSE

// pageURL opens a buyer's page; the page trades the token for a cookie.
func pageURL(address, token string) string { return "http://" + address + "/?token=" + token }
