package postgres

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func TestWaves(t *testing.T) {
	t.Parallel()
	in := func(id string) op { e := event(id); return op{receive: &receiveOp{event: e, key: keyOf(e)}} }
	give := func(seq int64, lead, buyer, day string, limit int) op {
		return op{decide: &domain.Decision{Verb: domain.Assign, EventSeq: seq, Lead: domain.LeadKey{Account: "acme", Lead: domain.LeadID(lead)},
			Buyer: domain.BuyerID(buyer), Day: day, Cap: limit}}
	}
	try := func(endpoint domain.EndpointID, lead domain.LeadID) op {
		return op{attempt: &attemptOp{Attempted: domain.Attempted{Key: domain.EndpointKey{Account: "acme", Endpoint: endpoint}, Lead: lead}}}
	}
	tell := func(from, to domain.Told, lead domain.LeadID) op {
		o := try("crm", lead)
		o.attempt.Told = domain.Telling{From: from, To: to}
		o.attempt.Announce = []domain.Announcement{{Account: "acme", Lead: domain.LeadOfEndpoint("crm"), Owed: []domain.Owed{{Endpoint: "ops"}}}}
		return o
	}
	look := func(id string, v domain.VisitorID, links ...string) op {
		o := domain.Observation{Hits: []domain.Hit{pageView(id, v, noon)}, Visit: domain.Visit{Account: "acme", Visitor: v}}
		for _, value := range links {
			o.Learn = append(o.Learn, domain.Link{Account: "acme", Key: domain.Key{Kind: domain.KeyClick, Value: value}, Person: "p"})
		}
		made, err := newObservation("observe", o)
		require.NoError(t, err)
		return opOf(made)
	}
	judge := func(lead string, n ...int64) op {
		return op{judge: &judgeOp{Judgement: domain.Judgement{Lead: domain.LeadKey{Account: "acme", Lead: domain.LeadID(lead)}, Settle: n}}}
	}
	teach := func(value string) op {
		return op{learn: &domain.Lesson{Links: []domain.Link{{Account: "acme", Key: domain.Key{Kind: domain.KeyClick, Value: value}}}}}
	}
	enters := judge("z", 9)
	enters.judge.Enter = &domain.Pending{Seq: 5}
	for name, row := range map[string]struct {
		ops  []op
		want [][]int
	}{
		"different events share one statement":                     {[]op{in("a"), in("b"), in("c")}, [][]int{{0, 1, 2}}},
		"the same event again has to see the first":                {[]op{in("a"), in("a"), in("b"), in("a")}, [][]int{{0, 2}, {1}, {3}}},
		"one lead twice goes one after the other":                  {[]op{give(1, "x", "b", today, 0), give(2, "x", "c", today, 0)}, [][]int{{0}, {1}}},
		"one pending event twice likewise":                         {[]op{give(1, "x", "b", today, 0), give(1, "y", "b", today, 0)}, [][]int{{0}, {1}}},
		"a buyer's assignments under one cap are ranked in one":    {[]op{give(1, "x", "b", today, 5), give(2, "y", "b", today, 5)}, [][]int{{0, 1}}},
		"another cap for the same buyer waits":                     {[]op{give(1, "x", "b", today, 5), give(2, "y", "b", today, 6), give(3, "z", "b", today, 6)}, [][]int{{0}, {1, 2}}},
		"another day for the same buyer waits":                     {[]op{give(1, "x", "b", today, 5), give(2, "y", "b", "2026-11-23", 5)}, [][]int{{0}, {1}}},
		"and the first cap again does not go back before it":       {[]op{give(1, "x", "b", today, 5), give(2, "y", "b", today, 6), give(3, "z", "b", today, 5)}, [][]int{{0}, {1}, {2}}},
		"receiving and deciding different things share the wave":   {[]op{in("a"), give(1, "x", "b", today, 5), {seen: []domain.Seen{{}}}}, [][]int{{0, 1, 2}}},
		"visitors share one statement":                             {[]op{look("a", "v"), look("b", "w")}, [][]int{{0, 1}}},
		"a visitor's next hit waits for the one before":            {[]op{look("a", "v"), look("b", "v"), look("c", "w")}, [][]int{{0, 2}, {1}}},
		"the same hit of another visitor waits to be a duplicate":  {[]op{look("a", "v"), look("a", "w")}, [][]int{{0}, {1}}},
		"a key that two hits teach goes one after the other":       {[]op{look("a", "v", "k"), look("b", "w", "k"), teach("k"), teach("l")}, [][]int{{0, 3}, {1}, {2}}},
		"one lead is judged one after the other":                   {[]op{judge("x", 1), judge("x", 2), judge("y", 3)}, [][]int{{0, 2}, {1}}},
		"one sighting twice likewise":                              {[]op{judge("x", 1, 2), judge("y", 2)}, [][]int{{0}, {1}}},
		"a lead is judged and decided in one wave":                 {[]op{judge("x", 1), give(1, "x", "b", today, 0)}, [][]int{{0, 1}}},
		"what enters is decided after it has":                      {[]op{enters, give(5, "z", "b", today, 0)}, [][]int{{0}, {1}}},
		"attempts of a line in turn, at an endpoint in order":      {[]op{try("crm", "b"), try("crm", "a"), try("crm", "a"), try("crm", "c"), try("erp", "a")}, [][]int{{0, 1, 4}, {2, 3}}},
		"of what an endpoint does, one is told after the other":    {[]op{tell(0, 1, "a"), try("crm", "b"), tell(1, 0, "c"), try("crm", "d")}, [][]int{{0, 1}, {2, 3}}},
		"what is told waits for an attempt in its line":            {[]op{try("ops", "endpoint-crm"), tell(0, 1, "a"), try("ops", "endpoint-crm")}, [][]int{{0}, {1}, {2}}},
		"an event number and a lead of the same text do not clash": {[]op{give(1, "1", "b", today, 0), give(2, "2", "c", today, 0)}, [][]int{{0, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want, waves(row.ops))
		})
	}
}

// A batch larger than one per caller is put together by hand here, because that callers meet in one
// batch is a matter of luck: each op gets the answer it would have got alone, in order.
func TestCommit_AnswersDependentOpsOfOneBatch(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	var seqs []int64
	for _, id := range []string{"a", "b", "c", "d"} {
		seqs = append(seqs, receive(t, s, f, event(id)))
	}
	with := func(id string, seq int64, change func(*domain.Decision)) op {
		d := deciding(f, seq, event(id), domain.Assign)
		d.Cap = 2
		change(&d)
		return op{decide: &d}
	}
	none := func(*domain.Decision) {}
	twice := event("twice")
	got, err := s.commit(t.Context(), []op{
		with("a", seqs[0], none),
		with("b", seqs[1], none),
		with("c", seqs[2], none), // one over the cap of two
		with("a", seqs[0], none), // settled above
		with("a", seqs[3], func(d *domain.Decision) { d.Buyer = "eve" }), // the lead has a buyer
		with("d", seqs[3], func(d *domain.Decision) { d.Cap = 3 }),       // the cap was raised meanwhile
		{receive: &receiveOp{fence: domain.Fence{Partition: 7, Epoch: f.Epoch - 1}, event: twice, key: keyOf(twice)}},
		{receive: &receiveOp{fence: f, event: twice, key: keyOf(twice)}},
		{receive: &receiveOp{fence: f, event: twice, key: keyOf(twice)}},
	})
	require.NoError(t, err)
	var outcomes []string
	for _, r := range got {
		outcomes = append(outcomes, r.Outcome)
	}
	require.Equal(t, []string{"done", "done", "cap_reached", "already_decided", "stale", "done", "", "stored", "duplicate"}, outcomes)
	require.ErrorIs(t, got[6].Err, domain.ErrFenced)
	require.Equal(t, 2, got[2].Value.decided.Count, "how full the day is")
	require.Equal(t, domain.BuyerID("bob"), got[4].Value.decided.Lead.Buyer, "stale says who has it")
	require.Equal(t, 3, got[5].Value.decided.Count)
	require.EqualValues(t, 3, got[5].Value.decided.Event.Seq)
	requireGapless(t, s)
}
