package chaos_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/cluster/clustertest/authority"
	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/plan"
)

var buyers = []string{"ann", "bob", "cat", "dan", "eve"}

// annsCap is the daily cap of the first buyer: any round reaches it.
const annsCap = 20

// provision makes the catalog, the graph and the secrets, begins the watch over fences, and prepares the nodes.
func (r *round) provision() {
	t := r.t
	url := r.server.URL()
	masterKey := vault.NewKey().Encode()
	storage := []string{"--store", url, "--master-key", masterKey, "--data", t.TempDir()}
	graph := r.graph()
	tokens := r.apply(storage, r.catalog(graph))
	for _, receiver := range r.receivers {
		var made struct {
			Secret string `json:"secret"`
		}
		r.ask(&made, append([]string{"endpoint", "secret", receiver.id, "--account", "acme", "--json"}, storage...)...)
		var err error
		receiver.key, err = signature.ParseWebhookKey(made.Secret)
		require.NoError(t, err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	watch(t.Context(), t, conn, int(r.plan.Length.Seconds()+60)*rate)
	require.NoError(t, conn.Close(t.Context()))

	var gossip []string
	for i := range r.plan.Nodes {
		gossip = append(gossip, r.hosts[plan.Node(i)].Address+":7002")
	}
	certificates := func(plan.Place) []string { return nil }
	if r.plan.TLS {
		a := authority.New(t)
		certificates = func(node plan.Place) []string {
			cert, key := a.Issue(string(node))
			return []string{"--cluster-cert", cert, "--cluster-cert-key", key, "--cluster-ca", a.File()}
		}
	}
	for i := range r.plan.Nodes {
		name := plan.Node(i)
		host := r.hosts[name]
		r.nodes = append(r.nodes, &node{
			name: name, host: host, data: t.TempDir(), store: url, history: r.history, broken: r.brokenf,
			args: append(certificates(name),
				"--listen", host.Address+":8080", "--cluster-host", host.Address, "--cluster-port", "7001", "--gossip-port", "7002",
				"--join", strings.Join(append(append([]string{}, gossip[:i]...), gossip[i+1:]...), ","), "--cluster-secret", "MDEyMzQ1Njc4OWFiY2RlZg==",
				"--master-key", masterKey, "--allow-private", "--heartbeat", heartbeat.String(), "--log-format", "text"),
		})
	}
	r.courier = newCourier(r.nodes, r.history)
	for _, buyer := range buyers {
		for range 2 {
			r.dashboards = append(r.dashboards, newDashboard(buyer, tokens[buyer], r.nodes, r.history))
		}
	}
}

// graph builds the graph of the site's known visitors, with the program itself.
func (r *round) graph() string {
	dir := r.t.TempDir()
	csv, path := filepath.Join(dir, "people.csv"), filepath.Join(dir, "graph.lwg")
	require.NoError(r.t, os.WriteFile(csv, []byte(people()), 0o600))
	r.ask(nil, "graph", "build", "--persons", csv, "--out", path)
	return path
}

func (r *round) catalog(graph string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "graph: %s\nsources:\n  - {id: ghl, kind: ghl, public_keys: [%q]}\naccounts:\n  - id: acme\n    name: Acme\n", graph, r.crm.public)
	b.WriteString("    locations: [{id: loc-1, source: ghl, campaign: solar}]\n    campaigns:\n")
	for _, campaign := range []string{"solar", "visitors"} {
		fmt.Fprintf(&b, "      - {id: %s, method: round_robin, buyers: [%s]}\n", campaign, strings.Join(buyers, ", "))
	}
	b.WriteString("    buyers:\n")
	for i, buyer := range buyers {
		most := 0
		if i == 0 {
			most = annsCap
		}
		fmt.Fprintf(&b, "      - {id: %s, daily_cap: %d, tokens: [{id: desk, expires_at: 2099-01-01T00:00:00Z}]}\n", buyer, most)
	}
	fmt.Fprintf(&b, "    pixels: [{id: shop, origins: [%q], campaign: visitors, rate: 100000, rate_per_address: 100000, announce: {coalesce: 200ms}}]\n    endpoints:\n", origin)
	for _, receiver := range r.receivers {
		b.WriteString(receiver.yaml())
	}
	return b.String()
}

// apply makes the catalog and returns the tokens by buyer.
func (r *round) apply(storage []string, catalog string) map[string]string {
	file := filepath.Join(r.t.TempDir(), "catalog.yaml")
	require.NoError(r.t, os.WriteFile(file, []byte(catalog), 0o600))
	var outcome struct {
		Tokens []struct {
			Buyer string `json:"buyer"`
			Token string `json:"token"`
		} `json:"tokens"`
	}
	r.ask(&outcome, append([]string{"apply", "-f", file, "--json", "--all-tokens"}, storage...)...)
	tokens := map[string]string{}
	for _, token := range outcome.Tokens {
		tokens[token.Buyer] = token.Token
	}
	return tokens
}

// ask runs a command of the program, and reads the JSON that it prints.
func (r *round) ask(into any, args ...string) {
	cmd := exec.CommandContext(r.t.Context(), os.Getenv(binaryFile), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(r.t, err, "%s: %s", args, stderr.String())
	if into != nil {
		require.NoError(r.t, json.Unmarshal(out, into), string(out))
	}
}
