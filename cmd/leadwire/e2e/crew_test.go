package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// crew is nodes on one Postgres, with the customers whom they deliver to.
type crew struct {
	t      *testing.T
	url    string
	seeds  string
	master string
	crm    *crm
	party  *party
	tokens map[string]string
	store  domain.Store // beside the nodes
	leads  int
}

// member is a node of a crew, and its folder.
type member struct {
	*process

	data string
}

func newCrew(t *testing.T) *crew {
	t.Helper()
	key := vault.NewKey()
	c := &crew{t: t, url: pgtest.Fresh(t), seeds: filepath.Join(t.TempDir(), "seeds"), master: key.Encode(), crm: newCRM(t), party: newParty(t)}
	c.tokens = apply(t, []string{"--store", c.url, "--data", t.TempDir()}, c.crm.catalog(buyers, 0)+c.party.yaml())
	c.store = openStore(t, c.url)
	c.party.secrets(t, c.store, key)
	return c
}

// join starts one more node.
func (c *crew) join() *member {
	c.t.Helper()
	m := &member{data: c.t.TempDir()}
	m.process = serve(c.t, []string{"--store", c.url, "--data", m.data, "--master-key", c.master, "--allow-private"},
		"--join", "file:"+c.seeds, "--cluster-secret", "MDEyMzQ1Njc4OWFiY2RlZg==", "--farewell", "100ms", "--drain-grace", "100ms")
	if _, err := os.Stat(c.seeds); err != nil {
		require.NoError(c.t, os.WriteFile(c.seeds, []byte(m.standing(c.t).Gossip+"\n"), 0o600))
	}
	return m
}

// standing is how the cluster looks from a node, by its socket.
func (m *member) standing(t *testing.T) (s cluster.Standing) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://node/api/v1/cluster", nil)
	require.NoError(t, err)
	res, err := control.NewClient(m.data).Do(r)
	require.NoError(t, err, m.log)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.NoError(t, json.NewDecoder(res.Body).Decode(&s))
	return s
}

// until waits for the cluster to look like something from a node.
func (m *member) until(t *testing.T, what string, is func(cluster.Standing) bool) cluster.Standing {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		s := m.standing(t)
		if is(s) {
			return s
		}
		require.True(t, time.Now().Before(end), "it never came to this: %s\n%+v\n%s", what, s, m.log)
		<-time.After(patienceStep) // nobody tells of it
	}
}

// share waits until these nodes hold everything, each some of it.
func (c *crew) share(members ...*member) {
	c.t.Helper()
	for end := time.Now().Add(patience); ; {
		held, idle := 0, 0
		for _, m := range members {
			s := m.standing(c.t)
			if held += s.Held; s.Held == 0 || len(s.Members) != len(members) {
				idle++
			}
		}
		if held == domain.Partitions && idle == 0 {
			return
		}
		require.True(c.t, time.Now().Before(end), "%d are held, %d have no share", held, idle)
		<-time.After(patienceStep) // nobody tells of it
	}
}

// post tells of n new leads, each with two changes, by the nodes in turn, and requires that each of them is acked.
func (c *crew) post(n int, by ...*member) {
	c.t.Helper()
	for range n {
		c.leads++
		for i := range 3 {
			m := by[(c.leads+i)%len(by)]
			status, err := c.crm.post(m.process, event{lead: fmt.Sprint("h", c.leads), n: i}.body())
			require.NoError(c.t, err, m.log)
			require.Equal(c.t, http.StatusOK, status, m.log)
		}
	}
}

// under shuts the gate and has requests of every endpoint under way.
func (c *crew) under(by ...*member) *gate {
	c.t.Helper()
	g := c.party.shut()
	c.post(5, by...)
	c.party.wait(c.t, 1, everyone()...)
	return g
}

// endpointsOf are those whose partitions a node holds.
func (c *crew) endpointsOf(m *member) (all []string) {
	c.t.Helper()
	holdings, err := c.store.Holdings(c.t.Context())
	require.NoError(c.t, err)
	node := m.standing(c.t).Node
	for _, name := range everyone() {
		p := cluster.PartitionOf(wire.KindEndpoint, keyOf(name).String())
		if slices.ContainsFunc(holdings, func(h domain.Holding) bool { return h.Node == node && h.Fence.Partition == p }) {
			all = append(all, name)
		}
	}
	return all
}
