package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// standing is what `leadwire cluster status` prints of the node that runs on a data folder.
func standing(t *testing.T, data string) (s cluster.Standing) {
	t.Helper()
	cmd := exec.Command(binary, "cluster", "status", "--json", "--data", data)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	require.NoError(t, err, complaint.String())
	require.NoError(t, json.Unmarshal(out, &s))
	return s
}

// Three processes on one Postgres find each other by a file that comes to be after the first of them, and share the partitions.
// Any of them takes any lead. When one is killed and one is stopped the third has everything, and what was acknowledged
// is there once.
func TestCluster_ThreeProcesses(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	url, seeds := pgtest.Fresh(t), filepath.Join(t.TempDir(), "seeds")
	crm := newCRM(t)
	b := onPostgres(t, url)
	apply(t, b.storage, crm.catalog(buyers, 0))
	var nodes []*process
	var folders []string
	for range 3 {
		folder := t.TempDir()
		nodes = append(nodes, serve(t, []string{"--store", url, "--data", folder}, "--join", "file:"+seeds, "--cluster-secret", "MDEyMzQ1Njc4OWFiY2RlZg=="))
		folders = append(folders, folder)
		require.NoError(t, os.WriteFile(seeds, []byte(standing(t, folders[0]).Gossip+"\n"), 0o600))
	}
	shared := func(alive ...string) {
		t.Helper()
		for end := time.Now().Add(patience); ; {
			held, members := 0, 0
			for _, folder := range alive {
				s := standing(t, folder)
				held, members = held+s.Held, members+len(s.Members)
			}
			if held == 256 && members == len(alive)*len(alive) {
				return
			}
			require.True(t, time.Now().Before(end), "%d partitions are held, %d members known", held, members)
			<-time.After(patienceStep) // nobody tells of it
		}
	}
	shared(folders...)

	l := newLoad(crm, "n")
	for range 30 {
		for _, p := range nodes {
			l.send(p, l.draw())
		}
	}
	acked, _ := l.count()
	require.Greater(t, acked, 60, "any node takes any lead; answers: %v", l.statuses)
	nodes[0].kill()
	shared(folders[1:]...)
	nodes[1].stop()
	shared(folders[2])
	require.Equal(t, 256, standing(t, folders[2]).Held)

	p := nodes[2]
	for end := time.Now().Add(patience); l.unacked() > 0; l.send(p, l.draw()) {
		require.True(t, time.Now().Before(end), "%d events are not acked\n%s", l.unacked(), p.log)
	}
	store := b.open(t)
	for end := time.Now().Add(patience); ; {
		backlog, err := store.Backlog(t.Context())
		require.NoError(t, err)
		if backlog.Undecided == 0 {
			break
		}
		require.True(t, time.Now().Before(end), "%d events are not decided", backlog.Undecided)
		<-time.After(patienceStep) // nobody tells of it
	}
	p.stop()
	rows := b.received(t)
	for _, e := range l.events() {
		require.Equal(t, 1, rows[e.id()], e.id())
	}
}
