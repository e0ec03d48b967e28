package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func feeds(t *testing.T, h Harness) {
	// Everything at once, for few buyers: assignments, updates, full caps, stale and repeated decisions.
	// Whatever is refused must leave no hole in a feed, and whatever is Done exactly one event.
	t.Run("NoGapsWhateverHappens", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		var mu sync.Mutex
		announced := map[domain.BuyerID]int{}
		note := func(d domain.Decided, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err == nil && d.Outcome == domain.Done && d.Event.Seq > 0 {
				announced[d.Event.Buyer]++
			}
		}
		var wg sync.WaitGroup
		for i, id := range names("lead", 120) {
			wg.Go(func() {
				buyer := domain.BuyerID(fmt.Sprintf("buyer-%d", i%3))
				first := assign(f, receiveLoose(s, t, f, event(id+"/1", domain.LeadID(id))), buyer)
				first.Cap = 30
				decided, err := s.Decide(t.Context(), first)
				note(decided, err)
				note(s.Decide(t.Context(), first)) // its answer was lost
				later := settle(f, receiveLoose(s, t, f, event(id+"/2", domain.LeadID(id))), domain.Update)
				later.Expect = 1 + int64(i%4/3) // every fourth is stale
				note(s.Decide(t.Context(), later))
			})
		}
		wg.Wait()
		for i := range 3 {
			buyer := domain.BuyerID(fmt.Sprintf("buyer-%d", i))
			events := feed(t, s, buyer)
			require.Len(t, events, announced[buyer])
			require.Equal(t, 30, count(t, s, buyer).N)
		}
	})

	// A client resumes from any place, in pages of any size, without loss or repeat.
	t.Run("ResumeFromAnywhere", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		const n = 12
		for _, id := range names("l", n) {
			assigned(t, s, f, id, "bea")
		}
		key := domain.BuyerKey{Account: account, Buyer: "bea"}
		for after := range domain.Seq(n + 2) {
			for _, limit := range []int{1, 5, 100} {
				events, err := s.Feed(t.Context(), key, after, limit)
				require.NoError(t, err)
				require.Len(t, events, max(0, min(limit, n-int(after))))
				for i, e := range events {
					require.Equal(t, after+domain.Seq(i)+1, e.Seq)
				}
			}
		}
	})

	// A feed is its buyer's in its account: the same name elsewhere is somebody else.
	t.Run("FeedsAreApart", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "ada", "bea")
		e := event("e-2", "ghl-ada")
		e.Account = "globex"
		decide(t, s, assign(f, receive(t, s, f, e), "bea"))
		assigned(t, s, f, "eve", "cyd")
		keys := []domain.BuyerKey{{Account: "globex", Buyer: "bea"}, {Account: account, Buyer: "nobody"}, {Account: account, Buyer: "bea"}}
		heads, err := s.Heads(t.Context(), keys)
		require.NoError(t, err)
		require.Equal(t, []domain.Head{{Seq: 1}, {}, {Seq: 1}}, heads)
		events, err := s.Feed(t.Context(), keys[0], 0, 10)
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, domain.EventID("e-2"), events[0].EventID)
		none, err := s.Feed(t.Context(), keys[1], 0, 10)
		require.NoError(t, err)
		require.Empty(t, none)
		heads, err = s.Heads(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, heads)
	})

	// The first report of an event counts: a page that is opened again was not late the second time.
	t.Run("TheFirstSeenCounts", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		for _, id := range names("l", 3) {
			assigned(t, s, f, id, "bea")
		}
		mark := func(seq domain.Seq) domain.Seen {
			return domain.Seen{Account: account, Buyer: "bea", Seq: seq, ClientReceivedAt: noon, RenderedAt: noon, ReportedAt: noon}
		}
		for _, row := range []struct {
			why  string
			seen []domain.Seen
			want int
		}{
			{"two new", []domain.Seen{mark(1), mark(2)}, 2},
			{"one new beside a repeat", []domain.Seen{mark(2), mark(3)}, 1},
			{"a repeat", []domain.Seen{mark(1)}, 0},
			{"nothing", nil, 0},
		} {
			n, err := s.RecordSeen(t.Context(), row.seen)
			require.NoError(t, err, row.why)
			require.Equal(t, row.want, n, row.why)
		}
	})

	t.Run("ARepeatWithinOneReportCountsOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		assigned(t, s, claim(t, s), "ada", "bea")
		m := domain.Seen{Account: account, Buyer: "bea", Seq: 1, ClientReceivedAt: noon, RenderedAt: noon, ReportedAt: noon}
		n, err := s.RecordSeen(t.Context(), []domain.Seen{m, m, m})
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func reading(t *testing.T, h Harness) {
	// The pull API pages from the newest lead down.
	t.Run("BuyerLeadsNewestFirst", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		for i, id := range names("l", 10) {
			assigned(t, s, f, id, []domain.BuyerID{"bea", "cyd"}[i%2])
		}
		key := domain.BuyerKey{Account: account, Buyer: "bea"}
		var got []domain.LeadID
		before := domain.Seq(0)
		for {
			page, err := s.BuyerLeads(t.Context(), key, before, 2)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			for _, l := range page {
				require.Equal(t, domain.BuyerID("bea"), l.Buyer)
				got = append(got, l.ID)
				before = l.AssignSeq
			}
		}
		require.Equal(t, []domain.LeadID{"ghl-l-8", "ghl-l-6", "ghl-l-4", "ghl-l-2", "ghl-l-0"}, got)
		none, err := s.BuyerLeads(t.Context(), domain.BuyerKey{Account: "globex", Buyer: "bea"}, 0, 10)
		require.NoError(t, err)
		require.Empty(t, none)
	})

	// An update does not move a lead in the list: its place is its assignment's.
	t.Run("AnUpdateKeepsTheLeadsPlace", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "ada", "bea")
		assigned(t, s, f, "bob", "bea")
		d := settle(f, receive(t, s, f, event("e-3", "ghl-ada")), domain.Update)
		d.Expect = 1
		decide(t, s, d)
		leads, err := s.BuyerLeads(t.Context(), domain.BuyerKey{Account: account, Buyer: "bea"}, 0, 10)
		require.NoError(t, err)
		require.Len(t, leads, 2)
		require.Equal(t, domain.LeadID("ghl-bob"), leads[0].ID)
		require.EqualValues(t, 3, leads[1].LastSeq)
	})

	t.Run("ALeadOfAnotherAccountIsNotFound", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		assigned(t, s, claim(t, s), "ada", "bea")
		_, err := s.Lead(t.Context(), domain.LeadKey{Account: "globex", Lead: "ghl-ada"})
		require.Equal(t, domain.NotFound, domain.CodeOf(err))
	})

	t.Run("OneCounterPerBuyer", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		for i, id := range names("l", 5) {
			assigned(t, s, f, id, []domain.BuyerID{"bea", "cyd"}[i%2])
		}
		counts, err := s.Counts(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []domain.Count{
			{Account: account, Buyer: "bea", Day: today, N: 3, Total: 3}, {Account: account, Buyer: "cyd", Day: today, N: 2, Total: 2},
		}, counts)
	})

	// What a contact says goes in and comes out as it was, whatever language it is in.
	t.Run("ContactsKeepTheirLetters", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		e.Contact = domain.Contact{FirstName: "Zoë 李雷 🦀", Fields: map[string]string{"Note": "a\tb\"c\\d 'e'; DROP TABLE leads;--"}}.JSON()
		p := receive(t, s, f, e)
		require.JSONEq(t, string(e.Contact), string(undecided(t, s, false)[0].Event.Contact))
		decide(t, s, assign(f, p, "bea"))
		require.JSONEq(t, string(e.Contact), string(feed(t, s, "bea")[0].Contact))
	})
}

// receiveLoose is receive for goroutines, where a test must not be ended.
func receiveLoose(s domain.Store, t *testing.T, f domain.Fence, e domain.Event) domain.Pending {
	got, err := s.Receive(t.Context(), f, e)
	if err != nil || got.Duplicate {
		t.Errorf("receive %s: %+v %v", e.ID, got, err)
	}
	return domain.Pending{Seq: got.Seq, Event: e}
}
