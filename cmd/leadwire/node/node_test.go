package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest/authority"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/persistence/embedded"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's own: one clock for the process, and a pool's cleaner that looks up every 10s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// patience is for what happens by itself on a loaded machine; nothing here takes a hundredth of it.
const patience = 30 * time.Second

func config(t *testing.T) Config {
	t.Helper()
	c := Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Farewell: time.Millisecond}
	c.Edge.DrainGrace = -1
	return c
}

func start(t *testing.T, c Config) *Node {
	t.Helper()
	n, err := Start(t.Context(), c, Deps{})
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, n) })
	return n
}

func stop(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, n.Stop(ctx))
}

// shop is a catalog with one buyer, and the key that signs for it.
func shop(t *testing.T) (domain.Catalog, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	return domain.Catalog{
		Sources: []domain.Source{{ID: "ghl", Kind: "ghl", PublicKeys: []string{base64.StdEncoding.EncodeToString(public)}}},
		Accounts: []domain.Account{{
			ID:        "acme",
			Locations: []domain.Location{{ID: "loc", Source: "ghl", Campaign: "solar"}},
			Campaigns: []domain.Campaign{{ID: "solar", Method: domain.RoundRobin, Buyers: []domain.BuyerID{"ada"}}},
			Buyers:    []domain.Buyer{{ID: "ada", Tokens: []domain.Token{{ID: "desk", ExpiresAt: time.Now().Add(time.Hour)}}}},
		}},
	}, private
}

func post(t *testing.T, n *Node, key ed25519.PrivateKey, id string) int {
	t.Helper()
	body := fmt.Sprintf(`{"type":"ContactCreate","locationId":"loc","id":%q,"webhookId":"ev-%s","name":"Maria"}`, id, id)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Addr()+"/leads/webhook/ghl", strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set(signature.GHLHeader, signature.SignGHL(key, []byte(body)))
	return answer(t, request)
}

func answer(t *testing.T, request *http.Request) int {
	t.Helper()
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, response.Body)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// The whole way in one process: a catalog is applied to a running node through its socket, a signed
// webhook is acknowledged, and after a stop and a start the lead is there.
func TestNode_KeepsWhatItAcknowledged(t *testing.T) {
	c := config(t)
	n := start(t, c)
	catalog, key := shop(t)
	require.Equal(t, http.StatusNotFound, post(t, n, key, "early"), "no source yet")

	client := control.NewClient(c.Data)
	out, err := client.Apply(t.Context(), provision.Request{Catalog: catalog})
	require.NoError(t, err)
	require.True(t, out.Applied)
	require.Len(t, out.Tokens, 1)
	require.Equal(t, http.StatusOK, post(t, n, key, "lead-1"), "the node has taken the catalog up")

	status, err := client.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, n.Addr(), status.Address)
	require.Equal(t, out.Revision, status.Revision)

	stop(t, n)
	_, err = client.Status(t.Context())
	require.ErrorIs(t, err, control.ErrNoNode)

	again := start(t, c)
	require.Equal(t, http.StatusOK, post(t, again, key, "lead-1"), "a repeat is acknowledged")
	var lead domain.Lead
	require.Eventually(t, func() bool { // a lead that was kept and not decided is picked up
		lead, err = again.store.Lead(t.Context(), domain.LeadKey{Account: "acme", Lead: "ghl-lead-1"})
		return err == nil
	}, patience, 5*time.Millisecond)
	require.Equal(t, domain.BuyerID("ada"), lead.Buyer)
}

// A node that cannot start leaves nothing behind: no goroutine (goleak), no lock, no port.
func TestNode_StartLeavesNothingBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, row := range map[string]struct {
		harm func(*Config)
		want string
	}{
		"the port is taken":             {func(c *Config) { c.Listen = taken.Addr().String() }, "listen on"},
		"the cluster's port is taken":   {func(c *Config) { c.Cluster.Port = taken.Addr().(*net.TCPAddr).Port }, "cluster"},
		"a limit makes no sense":        {func(c *Config) { c.Streams.MaxPending = 7 }, "max_pending"},
		"an edge's limit makes none":    {func(c *Config) { c.Edge.HeaderSize = 7 }, "header_size"},
		"the folder cannot be made":     {func(c *Config) { c.Data = filepath.Join(os.DevNull, "x") }, "open store"},
		"the socket's path is too long": {func(c *Config) { c.Data = filepath.Join(c.Data, strings.Repeat("d", 100)) }, "control socket"},
		"nowhere to listen":             {func(c *Config) { c.Listen = "" }, "listen"},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t)
			harmed := c
			row.harm(&harmed)
			_, err := Start(t.Context(), harmed, Deps{})
			require.ErrorContains(t, err, row.want)
			if row.want == "header_size" { // found out last, when everything else had started
				start(t, c)
			}
		})
	}
}

// Whoever was told to stop while starting stops.
func TestNode_StartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Start(ctx, config(t), Deps{})
	require.Error(t, err)
}

// The embedded store has one process; the second is told which folder, and the first goes on.
func TestNode_OneProcessPerFolder(t *testing.T) {
	c := config(t)
	n := start(t, c)
	_, err := Start(t.Context(), c, Deps{})
	require.Equal(t, domain.Conflict, domain.CodeOf(err))
	require.ErrorContains(t, err, c.Data)
	_, err = control.NewClient(c.Data).Status(t.Context())
	require.NoError(t, err, "the first one's socket is still its own")
	require.NotEmpty(t, n.Addr())
}

// Stopping twice, at once and later, is one stop.
func TestNode_StopIsOnce(t *testing.T) {
	n := start(t, config(t))
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- n.Stop(context.Background()) }()
	}
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	stop(t, n)
}

// A part that hangs does not keep the process: the stop says so and ends.
func TestWithin(t *testing.T) {
	hung, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() {
		over <- within(ctx, time.Millisecond, func() error {
			close(hung)
			<-release
			return nil
		})
	}()
	<-hung
	cancel()
	require.ErrorIs(t, <-over, context.Canceled)
	close(release)
	require.NoError(t, within(ctx, patience, func() error { return nil }), "what ends in time is waited for")
}

// A stop under load answers every webhook: what it acknowledged is there afterwards, the rest is asked
// to come again, and no connection is cut without an answer while its webhook is being kept.
func TestNode_StopUnderLoad(t *testing.T) {
	c := config(t)
	n := start(t, c)
	catalog, key := shop(t)
	_, err := n.Apply(t.Context(), provision.Request{Catalog: catalog})
	require.NoError(t, err)

	const senders = 8
	acked := make(chan []string, senders)
	underWay := make(chan struct{}, senders)
	for s := range senders {
		go func() {
			var mine []string
			for i := 0; ; i++ {
				id := fmt.Sprintf("s%d-%d", s, i)
				if !send(n.Addr(), key, id) {
					acked <- mine
					return
				}
				mine = append(mine, id)
				if i == 5 {
					underWay <- struct{}{}
				}
			}
		}()
	}
	for range senders {
		<-underWay
	}
	stop(t, n)
	var all []string
	for range senders {
		all = append(all, <-acked...)
	}
	again := start(t, c)
	require.Eventually(t, func() bool {
		backlog, err := again.store.Backlog(t.Context())
		return err == nil && backlog.Undecided == 0
	}, patience, 5*time.Millisecond)
	for _, id := range all {
		_, err := again.store.Lead(t.Context(), domain.LeadKey{Account: "acme", Lead: domain.LeadID("ghl-" + id)})
		require.NoError(t, err, "acknowledged and gone: %s", id)
	}
}

// send posts one webhook; false when the node is stopping or gone.
func send(address string, key ed25519.PrivateKey, id string) bool {
	body := fmt.Appendf(nil, `{"type":"ContactCreate","locationId":"loc","id":%q,"webhookId":"ev-%s"}`, id, id)
	request, err := http.NewRequest(http.MethodPost, "http://"+address+"/leads/webhook/ghl", bytes.NewReader(body))
	if err != nil {
		return false
	}
	request.Close = true
	request.Header.Set(signature.GHLHeader, signature.SignGHL(key, body))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// A backup of a running node is a store of its own: it opens, holds the leads, and has another epoch.
func TestNode_Backup(t *testing.T) {
	c := config(t)
	n := start(t, c)
	catalog, key := shop(t)
	_, err := n.Apply(t.Context(), provision.Request{Catalog: catalog})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, post(t, n, key, "lead-1"))

	copied := config(t)
	to := filepath.Join(copied.Data, "leadwire.db")
	require.NoError(t, embedded.Backup(t.Context(), c.Data, to))
	require.Error(t, embedded.Backup(t.Context(), c.Data, to), "a file that is there is kept")

	other := start(t, copied)
	require.Equal(t, http.StatusOK, post(t, other, key, "lead-1"))
	require.NotEqual(t, n.store.Epoch(), other.store.Epoch())
	require.Equal(t, n.book.Directory().Catalog, other.book.Directory().Catalog)
}

// Who joins other nodes over a network without a certificate is told what that means; who keeps to the machine is not.
func TestNode_SaysThatActorMessagesAreOpen(t *testing.T) {
	t.Parallel()
	join := []string{"10.0.0.2:7946"}
	for _, row := range []struct {
		name string
		cfg  cluster.Config
		open bool
	}{
		{"alone", cluster.Config{Host: "10.0.0.1"}, false},
		{"the default host", cluster.Config{Seeds: join}, false},
		{"this machine", cluster.Config{Seeds: join, Host: "127.0.0.2"}, false},
		{"this machine, IPv6", cluster.Config{Seeds: join, Host: "::1"}, false},
		{"this machine, by name", cluster.Config{Seeds: join, Host: "localhost"}, false},
		{"a network", cluster.Config{Seeds: join, Host: "10.0.0.1"}, true},
		{"every address", cluster.Config{Seeds: join, Host: "0.0.0.0"}, true},
		{"a name", cluster.Config{Seeds: join, Host: "node-1.internal"}, true},
		{"a key of gossip", cluster.Config{Seeds: join, Host: "10.0.0.1", SecretFile: "cluster.keys"}, true},
		{"a certificate", cluster.Config{Seeds: join, Host: "10.0.0.1", ServerTLS: &tls.Config{MinVersion: tls.VersionTLS13}}, false},
	} {
		var said bytes.Buffer
		warnOfOpenPort(row.cfg, slog.New(slog.NewTextHandler(&said, nil)))
		require.Equal(t, row.open, strings.Contains(said.String(), "setting=cluster-cert"), row.name)
	}
}

// The gauges that an operator looks at first are there from the start, at zero.
func TestNode_MetricsAreBornAtZero(t *testing.T) {
	n := start(t, config(t))
	text := metrics(t, n)
	for _, line := range []string{
		"leadwire_backlog_oldest_undecided_event_seconds 0\n",
		"leadwire_backlog_held_events 0\n",
		"leadwire_segment_seconds_count{segment=\"received_committed\"} 0\n",
	} {
		require.Contains(t, text, line)
	}
}

func metrics(t *testing.T, n *Node) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.Addr()+"/metrics", nil)
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// The pages for whoever runs it name metrics that are there.
func TestNode_DocsNameMetricsThatExist(t *testing.T) {
	c, of := config(t), authority.New(t)
	cert, key := of.Issue("node")
	var err error
	c.Cluster.ServerTLS, c.Cluster.ClientTLS, err = cluster.MutualTLS(cert, key, of.File()) // some are there with certificates alone
	require.NoError(t, err)
	n := start(t, c)
	catalog, _ := shop(t)
	_, err = n.Apply(t.Context(), provision.Request{Catalog: catalog})
	require.NoError(t, err)
	var names []string
	for _, help := range regexp.MustCompile(`# HELP (\S+)`).FindAllStringSubmatch(metrics(t, n), -1) {
		names = append(names, help[1])
	}
	for _, page := range []string{"README.md", "docs/operations.md"} {
		text, err := os.ReadFile("../../../" + page)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`leadwire_[a-z_]+`).FindAllString(string(text), -1) {
			found := slices.ContainsFunc(names, func(have string) bool {
				return have == name || strings.HasSuffix(name, "_") && strings.HasPrefix(have, name)
			})
			require.True(t, found || strings.HasPrefix(name, "leadwire_postgres_"), "%s names %s", page, name)
		}
	}
}
