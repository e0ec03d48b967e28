package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

// pixelServer is a server of our own with a graph, pixels, and a key to read what leaves.
type pixelServer struct {
	*ownServer
	account  domain.AccountID
	key      string
	operator string   // a key to swap the graph, when the run does
	graphs   []string // files, the first of them in use at the start
	// receivers are the customers' endpoints; nil: there are none.
	receivers *receivers
	mail      *mail // what has come to them, when it is kept by event
}

// scene is what a pixel run finds in place.
type scene struct {
	people, known int // in the graph; of them, visitors of the run
	pixels        []domain.Pixel
	receivers     *receivers        // nil: nobody is sent anything
	endpoints     []domain.Endpoint // theirs, in their order
	swaps         bool              // there is another graph to change to
}

// benchSite is a pixel whose limits are out of the way: all visitors come from one address.
func benchSite(id domain.PixelID) domain.Pixel {
	const noLimit = 1_000_000
	return domain.Pixel{ID: id, Origins: []string{benchOrigin}, Rate: noLimit, RatePerAddress: noLimit}
}

// startPixelServer builds a graph, starts a server and applies a catalog.
func startPixelServer(ctx context.Context, cfg ServerConfig, run string, in scene) (*pixelServer, error) {
	if in.receivers != nil {
		cfg.Args = append(slices.Clone(cfg.Args), "--allow-private")
	}
	p, err := startProcess(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &pixelServer{
		ownServer: &ownServer{process: p, Target: Target{URL: p.URL, PID: p.cmd.Process.Pid}},
		account:   domain.AccountID("bench-" + run), receivers: in.receivers,
	}
	if err := s.setUp(ctx, run, in); err != nil {
		return nil, errors.Join(err, s.stop(ctx))
	}
	return s, nil
}

func (s *pixelServer) setUp(ctx context.Context, run string, in scene) error {
	people, graph := filepath.Join(s.process.dir, "people.csv"), filepath.Join(s.process.dir, "graph.lwg")
	if err := writePeople(people, run, in.people, in.known); err != nil {
		return fmt.Errorf("write people: %w", err)
	}
	if _, err := s.process.command(ctx, nil, "graph", "build", "--persons", people, "--out", graph); err != nil {
		return err
	}
	// A file that is gone is never written out: a hundred megabytes on their way to the disk half a minute later would be
	// measured as slow commits of the server.
	if err := os.Remove(people); err != nil {
		return fmt.Errorf("remove people: %w", err)
	}
	s.graphs = append(s.graphs, graph)
	catalog, err := pixelCatalog(s.account, graph, in)
	if err != nil {
		return err
	}
	if _, err := s.process.apply(ctx, catalog); err != nil {
		return err
	}
	for i, e := range in.endpoints {
		key, err := s.process.makeSecret(ctx, s.account, e.ID)
		if err != nil {
			return err
		}
		s.receivers.doors[i].key.Store(&key)
	}
	if s.key, err = s.process.makeKey(ctx, "--account", string(s.account), "--scope", "announcements:read"); err != nil || !in.swaps {
		return err
	}
	other := filepath.Join(s.process.dir, "other.lwg")
	if err := copyFile(graph, other); err != nil {
		return fmt.Errorf("copy graph: %w", err)
	}
	s.graphs = append(s.graphs, other)
	s.operator, err = s.process.makeKey(ctx, "--scope", "graph:write")
	return err
}

// makeKey makes a key of the API.
func (p *process) makeKey(ctx context.Context, what ...string) (string, error) {
	out, err := p.command(ctx, nil, slices.Concat([]string{"key", "create", "--json"}, what, p.storage())...)
	if err != nil {
		return "", err
	}
	var made struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(out, &made); err != nil || made.Key == "" {
		return "", domain.Fail("make a key", domain.Internal, fmt.Errorf("what was printed has none (%w)", err))
	}
	return made.Key, nil
}

// makeSecret makes an endpoint a secret to sign with.
func (p *process) makeSecret(ctx context.Context, account domain.AccountID, id domain.EndpointID) (signature.WebhookKey, error) {
	out, err := p.command(ctx, nil, slices.Concat([]string{"endpoint", "secret", string(id), "--account", string(account), "--json"}, p.storage())...)
	if err != nil {
		return signature.WebhookKey{}, err
	}
	var made struct {
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		return signature.WebhookKey{}, domain.Fail("make a secret", domain.Internal, fmt.Errorf("what was printed has none (%w)", err))
	}
	return signature.ParseWebhookKey(made.Secret)
}

func endpointID(i int) domain.EndpointID { return domain.EndpointID("e" + strconv.Itoa(i)) }

// pixelCatalog is the configuration of one run: one account with its pixels and endpoints.
func pixelCatalog(account domain.AccountID, graph string, in scene) ([]byte, error) {
	text, err := yaml.Marshal(domain.Catalog{
		Graph:    graph,
		Accounts: []domain.Account{{ID: account, Name: "Bench", Pixels: in.pixels, Endpoints: in.endpoints}},
	})
	if err != nil {
		return nil, fmt.Errorf("write catalog: %w", err)
	}
	return text, nil
}

// writePeople writes so many people, the first of whom are the run's visitors.
func writePeople(path, run string, people, known int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, "id,first_name,last_name,title,business_email,city,state,country,visitors")
	for i := range people {
		visitor := ""
		if i < known {
			visitor = visitorID(run, int64(i))
		}
		fmt.Fprintf(w, "%s,Dana,Whitfield,Head of Operations,dana.whitfield.%d@company%d.example,Austin,TX,US,%s\n", personID(int64(i)), i, i%5000, visitor)
	}
	return errors.Join(w.Flush(), f.Close())
}

// personID is the graph's name for person i.
func personID(i int64) string { return "p" + strconv.FormatInt(i, 10) }

// command runs a command of the program and returns what it printed.
func (p *process) command(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, p.exe, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Env = plainEnvironment(os.Environ())
	cmd.SysProcAttr = ownGroup()
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, domain.Fail("run "+args[0], domain.Internal, fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaint.Bytes())))
	}
	return out.Bytes(), nil
}

// tellStore says which store a server of our own has.
func tellStore(r *Report, s ServerConfig) {
	if s.Store == "" {
		r.tell("store", "embedded")
		return
	}
	r.tell("store", "postgres")
}
