package storetest

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func caps(t *testing.T, h Harness) {
	// Every lead of a busy second is decided for the same buyer, who takes ten a day.
	t.Run("NeverOneOver", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		const most, offered = 10, 80
		results := decideAll(t, s, offer(t, s, f, "e", offered, most, today))
		done := 0
		for _, r := range results {
			require.Equal(t, today, r.Day)
			switch r.Outcome {
			case domain.Done:
				done++
				require.LessOrEqual(t, r.Count, most)
			default:
				require.Equal(t, domain.CapReached, r.Outcome)
				require.Equal(t, most, r.Count)
				require.Zero(t, r.Event.Seq)
			}
		}
		require.Equal(t, most, done)
		require.Len(t, feed(t, s, "bea"), most)
		require.Equal(t, domain.Count{Account: account, Buyer: "bea", Day: today, N: most, Total: most}, count(t, s, "bea"))
		require.Len(t, undecided(t, s, false), offered-most, "the rest can go to somebody else")
	})

	// What did not fit is decided again for another buyer: nothing of the first try is left behind.
	t.Run("AFullBuyerLeavesNoTrace", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		decisions := offer(t, s, f, "e", 2, 1, today)
		decide(t, s, decisions[0])
		got, err := s.Decide(t.Context(), decisions[1])
		require.NoError(t, err)
		require.Equal(t, domain.CapReached, got.Outcome)
		_, err = s.Lead(t.Context(), decisions[1].Lead)
		require.Equal(t, domain.NotFound, domain.CodeOf(err))
		decisions[1].Buyer = "cyd"
		decide(t, s, decisions[1])
		require.Len(t, feed(t, s, "bea"), 1)
		require.Len(t, feed(t, s, "cyd"), 1)
	})

	// Midnight in the buyer's zone: the day is empty again, and the total goes on.
	t.Run("ANewDayBeginsAtZero", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		decide(t, s, offer(t, s, f, "a", 1, 1, today)[0])
		got := decide(t, s, offer(t, s, f, "b", 1, 1, tomorrow)[0])
		require.Equal(t, 1, got.Count)
		require.Equal(t, tomorrow, got.Day)
		require.Equal(t, domain.Count{Account: account, Buyer: "bea", Day: tomorrow, N: 1, Total: 2}, count(t, s, "bea"))
	})

	// A node's clock is a little behind and still says yesterday: it must not open a full day again,
	// nor turn the counter back.
	t.Run("AnEarlierDayCountsAsTheCounters", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		decide(t, s, offer(t, s, f, "a", 1, 2, tomorrow)[0])
		late := decide(t, s, offer(t, s, f, "b", 1, 2, today)[0])
		require.Equal(t, 2, late.Count)
		require.Equal(t, tomorrow, late.Day)
		full, err := s.Decide(t.Context(), offer(t, s, f, "c", 1, 2, today)[0])
		require.NoError(t, err)
		require.Equal(t, domain.CapReached, full.Outcome)
		require.Equal(t, 2, full.Count)
		require.Equal(t, tomorrow, full.Day)
	})

	// Decisions of two days in one batch, in any order: each day keeps its cap.
	t.Run("TwoDaysAtOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		decisions := append(offer(t, s, f, "a", 20, 5, today), offer(t, s, f, "b", 20, 5, tomorrow)...)
		perDay := map[string]int{}
		for _, r := range decideAll(t, s, decisions) {
			if r.Outcome == domain.Done {
				perDay[r.Day]++
			}
		}
		require.Equal(t, 5, perDay[tomorrow], "tomorrow fills up, whoever came first")
		require.LessOrEqual(t, perDay[today], 5)
		require.Equal(t, 5, count(t, s, "bea").N)
	})

	// No cap means none, and a cap that was lowered below the count stops at once.
	t.Run("TheCapIsTheDecisions", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		for _, d := range offer(t, s, f, "a", 5, 0, today) {
			decide(t, s, d)
		}
		got, err := s.Decide(t.Context(), offer(t, s, f, "b", 1, 3, today)[0])
		require.NoError(t, err)
		require.Equal(t, domain.CapReached, got.Outcome)
		require.Equal(t, 5, got.Count)
	})
}

// offer receives n new leads and prepares decisions that give them all to bea.
func offer(t *testing.T, s domain.Store, f domain.Fence, prefix string, n, most int, day string) []domain.Decision {
	t.Helper()
	decisions := make([]domain.Decision, n)
	for i, id := range names(prefix, n) {
		d := assign(f, receive(t, s, f, event(id, domain.LeadID("ghl-"+id))), "bea")
		d.Cap, d.Day = most, day
		decisions[i] = d
	}
	return decisions
}
