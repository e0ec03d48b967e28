package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// A seed decides everything; nobody is hit twice in a row, everybody is hit, and at any moment of the protocol's periods.
func TestPlanBlows(t *testing.T) {
	t.Parallel()
	plan := planBlows(7, 3, 40)
	require.Equal(t, plan, planBlows(7, 3, 40))
	require.NotEqual(t, plan, planBlows(8, 3, 40))
	hits := map[int]int{}
	last := -1
	for _, b := range plan {
		require.NotEqual(t, last, b.node)
		require.GreaterOrEqual(t, b.after, restMin)
		require.Less(t, b.after, restMin+restMore)
		last = b.node
		hits[b.node]++
	}
	require.Len(t, hits, 3)
}

// A kill is over when the last lead and the last buyer have answered; an answer counts once, and one of somebody else's does not.
func TestStrike(t *testing.T) {
	t.Parallel()
	s := newStrike()
	s.at = time.Unix(100, 0)
	after := func(seconds int) time.Time { return s.at.Add(time.Duration(seconds) * time.Second) }
	one, other := &probe{}, &probe{}
	s.leads[one], s.buyers[4] = true, true
	s.answered(other, after(1))
	s.heard(5, after(1))
	s.answered(one, after(2))
	s.answered(one, after(9))
	require.Equal(t, 8*time.Second, s.recovery(after(8)), "a buyer has not answered yet")
	select {
	case <-s.done:
		t.Fatal("a buyer has not answered yet")
	default:
	}
	s.heard(4, after(3))
	<-s.done
	require.Equal(t, 3*time.Second, s.recovery(after(8)))

	stuck := newStrike()
	stuck.at = s.at
	stuck.leads[other] = true
	all := newRecoveries()
	all.add(stuck, after(60))
	all.add(s, after(60))
	all.add(s, after(60))
	r := newReport("failover", FailoverFigures([]string{partKills}))
	all.tell(r)
	require.EqualValues(t, 3, value(t, r, "kills"))
	require.EqualValues(t, 5, value(t, r, "moved"))
	require.EqualValues(t, 1, value(t, r, "stuck"))
	require.EqualValues(t, 3, value(t, r, "recovery.p50"))
	require.EqualValues(t, 60, value(t, r, "recovery.max"), "who never answers is the worst")
	require.EqualValues(t, 2, value(t, r, "recovery.leads.max"), "and has no time of its own")
}

// Only what has another owner has moved, and what has not gone to the new one has strayed.
func TestMoves(t *testing.T) {
	t.Parallel()
	var before, after Owners
	for p := range before {
		before[p] = domain.NodeID([]string{"a", "b"}[p%2])
	}
	after = before
	after[3], after[4], after[6] = "c", "c", "b"
	moved, strayed := moves(before, after, "c")
	require.Equal(t, 3, moved)
	require.Equal(t, 1, strayed)
}

// A lead that was acked and is on no list, and an update that was acked and is not to be seen, are lost; a lead on two lists is doubled.
func TestProof(t *testing.T) {
	t.Parallel()
	l := &fleetLoad{next: 6, probes: []*probe{
		{lead: 0, company: "Probe 0", acked: true}, {lead: 1, company: "Probe 1", acked: true}, {lead: 2, company: "Probe 2"},
	}}
	p := l.newProof()
	p.note(0, "Probe 0")
	p.note(1, "Loadwell")
	p.note(2, "Loadwell")
	p.note(3, "Loadwell")
	p.note(3, "Loadwell")
	p.note(99, "somebody else's")
	answers := []answer{wasAcked, wasAcked, wasAcked, wasAcked, wasAcked, wasFailed}
	require.Equal(t, 2, p.lost(answers), "the update of 1, and lead 4")
	require.Equal(t, 1, p.doubled())
}

// Each pair is compared by itself, and the pair in the middle counts: a machine that is slow for a while is slow for both.
func TestTellCost(t *testing.T) {
	t.Parallel()
	r := newReport("failover", FailoverFigures([]string{partCost}))
	tellCost(r, [][2]float64{{1000, 900}, {100, 95}, {2000, 1000}})
	require.InDelta(t, 0.1, value(t, r, "cluster.cost"), 1e-9)
	require.EqualValues(t, 1000, value(t, r, "single.throughput"))
	require.EqualValues(t, 900, value(t, r, "clustered.throughput"))
}

func TestFailoverConfig_Validate(t *testing.T) {
	t.Parallel()
	for field, harm := range map[string]func(*FailoverConfig){
		"parts":       func(c *FailoverConfig) { c.Parts = []string{"earthquake"} },
		"nodes":       func(c *FailoverConfig) { c.Nodes = 1 },
		"rate":        func(c *FailoverConfig) { c.Rate = -1 },
		"buyers":      func(c *FailoverConfig) { c.Buyers = -1 },
		"calm":        func(c *FailoverConfig) { c.Calm = 1 },
		"kills":       func(c *FailoverConfig) { c.Kills = -1 },
		"joins":       func(c *FailoverConfig) { c.Joins = -1 },
		"rounds":      func(c *FailoverConfig) { c.Rounds = -1 },
		"round":       func(c *FailoverConfig) { c.Round = time.Hour },
		"connections": func(c *FailoverConfig) { c.Connections = -1 },
		"patience":    func(c *FailoverConfig) { c.Patience = -1 },
		"store":       func(c *FailoverConfig) { c.Server.Store = "" },
	} {
		c := FailoverConfig{Server: ServerConfig{Store: "postgres"}}
		require.NoError(t, c.Check())
		harm(&c)
		require.ErrorContains(t, c.Check(), field+":")
	}
}
