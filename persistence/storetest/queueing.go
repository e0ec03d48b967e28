package storetest

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// queueing: what an endpoint has to send now, and who has anything to send.
func queueing(t *testing.T, h Harness) {
	// First matches before updates before retries before replays; of equals, who was due first, and then who is older.
	t.Run("ComesByClassAndTime", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		made := map[string]int64{}
		for _, o := range []struct {
			id    string
			class domain.Class
			at    time.Duration
		}{
			{"update-late", domain.ClassUpdate, 2 * time.Second}, {"first-late", domain.ClassFirst, 3 * time.Second},
			{"update-early", domain.ClassUpdate, time.Second}, {"first-early", domain.ClassFirst, 0}, {"first-early-too", domain.ClassFirst, 0},
			{"update-later", domain.ClassUpdate, time.Hour},
		} {
			a := announcement(o.id, domain.LeadID(o.id))
			a.At, a.Owed = noon.Add(o.at), owes(crm)
			a.Owed[0].Class = o.class
			made[o.id] = announce(t, s, f, a)[0].N
		}
		tried := oweOne(t, s, f, "retry", "retry", crm)
		record(t, s, fails(f, tried, noon.Add(-time.Minute)))
		sent := oweOne(t, s, f, "replay", "replay", crm)
		record(t, s, arrives(f, sent, noon))
		replayed, err := s.Replay(t.Context(), account, sent.N, noon, audit("delivery.replay"))
		require.NoError(t, err)
		read := func(at time.Time, limit int) domain.Due {
			t.Helper()
			got, err := s.Due(t.Context(), endpoint(crm), at, limit)
			require.NoError(t, err)
			for _, d := range got.Deliveries {
				require.Equal(t, delivery(t, s, d.N), bare(d))
				require.NotEmpty(t, d.Payload, "who sends it needs it")
			}
			return got
		}
		at := func(got domain.Due) time.Time { return got.NextAt.UTC() }

		got := read(noon.Add(3*time.Second), 10)
		require.Equal(t, []int64{
			made["first-early"], made["first-early-too"], made["first-late"], made["update-early"], made["update-late"], tried.N, replayed.N,
		}, numbers(got.Deliveries))
		require.False(t, got.More)
		require.Equal(t, noon.Add(time.Hour), at(got))

		got = read(noon.Add(3*time.Second), 2)
		require.Equal(t, []int64{
			made["first-early"], made["first-early-too"], made["update-early"], made["update-late"], tried.N, replayed.N,
		}, numbers(got.Deliveries), "the first so many of each class")
		require.True(t, got.More)
		require.Equal(t, noon.Add(time.Hour), at(got), "not of those that are due")
		require.False(t, read(noon.Add(3*time.Second), 3).More)

		got = read(noon, 10)
		require.Equal(t, []int64{made["first-early"], made["first-early-too"], tried.N, replayed.N}, numbers(got.Deliveries))
		require.Equal(t, noon.Add(time.Second), at(got))
		require.Empty(t, read(noon.Add(-time.Hour), 10).Deliveries)
		got = read(noon.Add(2*time.Hour), 10)
		require.Len(t, got.Deliveries, 8)
		require.Zero(t, got.NextAt)

		got, err = s.Due(t.Context(), endpoint(crm), noon.Add(3*time.Second), 1, made["first-early"], made["update-early"], made["update-late"], tried.N, 4711)
		require.NoError(t, err)
		require.Equal(t, []int64{made["first-early-too"], replayed.N}, numbers(got.Deliveries), "what is passed over counts for nothing")
		require.True(t, got.More, "there is another first match")
		got, err = s.Due(t.Context(), endpoint(crm), noon.Add(3*time.Second), 1, made["first-early"], made["first-early-too"], made["update-early"])
		require.NoError(t, err)
		require.Equal(t, []int64{made["first-late"], made["update-late"], tried.N, replayed.N}, numbers(got.Deliveries))
		require.False(t, got.More, "nor is it more")
		none, err := s.Due(t.Context(), endpoint("unknown"), noon, 10)
		require.NoError(t, err)
		require.Empty(t, none.Deliveries)
		require.Equal(t, domain.Due{State: domain.EndpointState{Key: endpoint("unknown")}}, domain.Due{More: none.More, NextAt: none.NextAt, State: none.State})
	})

	// Nobody is forgotten: whoever holds a partition finds the endpoints that have something to send, page by page.
	t.Run("OwingIsListedByPartition", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		var want []domain.EndpointID
		for i, id := range names("endpoint", 25) {
			a := announcement(id, "ghl-ada")
			a.At, a.Owed = noon.Add(time.Duration(i)*time.Second), owes(domain.EndpointID(id))
			a.Owed[0].Partition = []domain.Partition{3, 7, 250}[i%3]
			d := announce(t, s, f, a)[0]
			switch {
			case i%5 == 0: // has nothing to send any more
				record(t, s, arrives(f, d, noon))
				continue
			case i%5 == 1: // is disabled, which does not make its queue disappear
				gone := fails(f, d, noon)
				gone.Disable = "410 Gone"
				record(t, s, gone)
			}
			if i%3 != 1 {
				want = append(want, d.Endpoint)
			}
		}
		var got []domain.EndpointID
		for after, full := int64(0), true; full; {
			page, err := s.Owing(t.Context(), []domain.Partition{250, 3, 250}, after, 4)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page), 4)
			for _, o := range page {
				require.Greater(t, o.N, after)
				require.Equal(t, account, o.Key.Account)
				q, err := s.Queue(t.Context(), o.Key)
				require.NoError(t, err)
				require.True(t, o.DueAt.Equal(q.NextAt))
				require.False(t, o.DueAt.IsZero())
				got, after = append(got, o.Key.Endpoint), o.N
			}
			full = len(page) == 4
		}
		require.Equal(t, want, got)
		none, err := s.Owing(t.Context(), nil, 0, 10)
		require.NoError(t, err)
		require.Empty(t, none)
	})

	// How long a queue is, is counted no further than anybody has to know.
	t.Run("FiguresAreBounded", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{BacklogLimit: 5}).Store
		f := claim(t, s)
		figures := func() domain.QueueFigures {
			t.Helper()
			q, err := s.Queue(t.Context(), endpoint(crm))
			require.NoError(t, err)
			q.Oldest, q.NextAt = q.Oldest.UTC(), q.NextAt.UTC()
			return q
		}
		require.Equal(t, domain.QueueFigures{}, figures())
		var all []domain.Delivery
		for i, id := range names("a", 7) {
			a := announcement(id, domain.LeadID(id))
			a.At, a.Owed = noon.Add(time.Duration(i)*time.Second), owes(crm)
			all = append(all, announce(t, s, f, a)...)
			require.Equal(t, domain.QueueFigures{Pending: min(i+1, 5), Oldest: noon, NextAt: noon}, figures())
		}
		oweOne(t, s, f, "a-behind", all[6].Lead, crm)
		a := fails(f, all[0], noon)
		record(t, s, a)
		require.Equal(t, domain.QueueFigures{Pending: 5, Oldest: noon, NextAt: noon.Add(time.Second)}, figures())
		for _, d := range all[1:6] {
			record(t, s, arrives(f, d, noon))
		}
		require.Equal(t, domain.QueueFigures{Pending: 3, Oldest: noon, NextAt: a.NextAt}, figures())
		record(t, s, arrives(f, delivery(t, s, all[0].N), noon))
		require.Equal(t, domain.QueueFigures{Pending: 2, Oldest: noon.Add(6 * time.Second), NextAt: noon.Add(6 * time.Second)}, figures())
	})
}
