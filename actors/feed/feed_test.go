package feed_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/feed"
)

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	node = feed.Node{Address: "127.0.0.1:1", Hub: "hub"}
)

func event(seq domain.Seq) domain.FeedEvent { return domain.FeedEvent{Seq: seq} }

func watchedFrom(t *testing.T, head domain.Seq) *feed.Feed {
	t.Helper()
	f, steps := feed.New()
	require.Equal(t, []feed.Step{feed.Load{}}, steps)
	require.Empty(t, f.Watch(noon, node, "ask"), "nobody is answered before the feed is loaded")
	require.Equal(t, []feed.Step{feed.Answer{To: "ask", Head: head}}, f.Loaded(noon, domain.Head{Seq: head}, nil))
	return f
}

func published(steps []feed.Step) []domain.Seq {
	var out []domain.Seq
	for _, s := range steps {
		if p, ok := s.(feed.Publish); ok {
			for _, e := range p.Events {
				out = append(out, e.Seq)
			}
		}
	}
	return out
}

// Two commits are announced the wrong way round: the watcher still sees them in order, without a read.
func TestFeed_WaitsForTheOneBefore(t *testing.T) {
	t.Parallel()
	f := watchedFrom(t, 4)
	require.Equal(t, []feed.Step{feed.Wait{For: feed.Patience}}, f.Announce(event(6)))
	require.Equal(t, []domain.Seq{5, 6}, published(f.Announce(event(5))))
	require.Empty(t, f.Overdue())
}

// The announcement of 5 is lost: after a moment it is read from the store.
func TestFeed_FillsALostAnnouncement(t *testing.T) {
	t.Parallel()
	f := watchedFrom(t, 4)
	f.Announce(event(6))
	require.Equal(t, []feed.Step{feed.Fill{After: 4}}, f.Overdue())
	require.Equal(t, []domain.Seq{5, 6}, published(f.Filled([]domain.FeedEvent{event(5), event(6)}, nil)))
}

// The newest announcement is lost and nothing follows it: the store's own word finds it.
func TestFeed_FindsTheLastOne(t *testing.T) {
	t.Parallel()
	f := watchedFrom(t, 4)
	require.Empty(t, f.Checked(4))
	require.Equal(t, []feed.Step{feed.Fill{After: 4}}, f.Checked(5))
	require.Equal(t, []domain.Seq{5}, published(f.Filled([]domain.FeedEvent{event(5)}, nil)))
}

// A feed that cannot be loaded answers those who asked, and loads again when the next one asks.
func TestFeed_LoadsAgain(t *testing.T) {
	t.Parallel()
	f, _ := feed.New()
	f.Watch(noon, node, "ask")
	down := errors.New("down")
	require.Equal(t, []feed.Step{feed.Answer{To: "ask", Err: down}}, f.Loaded(noon, domain.Head{}, down))
	require.False(t, f.Busy())
	require.Equal(t, []feed.Step{feed.Load{}}, f.Watch(noon, node, "again"))
}

// A feed that moves to another node owes something only to those who wait for its answer, not to those who watch.
func TestFeed_PromisesAnAnswer(t *testing.T) {
	t.Parallel()
	f, _ := feed.New()
	f.Watch(noon, node, "ask")
	require.True(t, f.Promised())
	f.Loaded(noon, domain.Head{}, nil)
	require.False(t, f.Promised())
	require.True(t, f.Watched())
}

// A node that died is forgotten when its lease runs out, and nothing is sent to it any more.
func TestFeed_ForgetsANodeThatDied(t *testing.T) {
	t.Parallel()
	f := watchedFrom(t, 0)
	f.Expire(noon.Add(feed.LeaseFor))
	require.True(t, f.Watched())
	f.Renew(noon.Add(feed.LeaseFor), node)
	f.Expire(noon.Add(feed.LeaseFor + 1))
	require.True(t, f.Watched(), "renewed")
	f.Expire(noon.Add(2*feed.LeaseFor + 1))
	require.False(t, f.Watched())
	require.Empty(t, published(f.Announce(event(1))))
	require.Equal(t, domain.Seq(1), f.Head())
}

// Whatever is lost, doubled or overtaken, and however reads fail, what is published is 1, 2, 3, ... and
// in the end it is everything.
func TestFeed_IsConsecutiveUnderEveryDisorder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		f := watchedFrom(t, 0)
		var committed domain.Seq
		var want, flight []domain.FeedEvent
		var got []domain.Seq
		var todo []feed.Step
		run := func(steps []feed.Step) {
			got = append(got, published(steps)...)
			for _, s := range steps {
				switch s.(type) {
				case feed.Fill, feed.Wait:
					todo = append(todo, s)
				}
			}
		}
		perform := func(fail bool) {
			s := todo[0]
			todo = todo[1:]
			switch s := s.(type) {
			case feed.Wait:
				run(f.Overdue())
			case feed.Fill:
				if fail {
					run(f.Filled(nil, errors.New("down")))
					return
				}
				run(f.Filled(want[s.After:min(len(want), int(s.After)+feed.FillLimit)], nil))
			}
		}
		for range 200 {
			switch rng.IntN(5) {
			case 0, 1:
				committed++
				want = append(want, event(committed))
				if rng.IntN(4) > 0 { // else the announcement is lost
					flight = append(flight, event(committed))
				}
			case 2, 3:
				if len(flight) > 0 {
					i := rng.IntN(len(flight))
					run(f.Announce(flight[i]))
					if rng.IntN(8) > 0 { // else it comes again
						flight = append(flight[:i], flight[i+1:]...)
					}
				}
			case 4:
				if len(todo) > 0 {
					perform(rng.IntN(3) == 0)
				}
			}
		}
		run(f.Checked(committed))
		for len(todo) > 0 {
			perform(false)
		}
		run(f.Checked(committed))
		for len(todo) > 0 {
			perform(false)
		}
		require.Len(t, got, int(committed), "seed %d", seed)
		for i, seq := range got {
			require.Equal(t, domain.Seq(i+1), seq, "seed %d", seed)
		}
	}
}

func TestCursor_Open(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		story   string
		head    domain.Head
		last    domain.Seq
		hasLast bool
		do      feed.Do
		at      domain.Seq
	}{
		{"a new client starts at the head", domain.Head{Seq: 9}, 0, false, feed.Begin, 9},
		{"a returning client goes on where it was", domain.Head{Seq: 9}, 5, true, feed.Begin, 5},
		{"a client that saw nothing yet gets everything", domain.Head{Seq: 9}, 0, true, feed.Begin, 0},
		{"a place in another history", domain.Head{Seq: 9}, -1, true, feed.Resync, 9},
		{"a place ahead of the feed", domain.Head{Seq: 9}, 10, true, feed.Resync, 9},
		{"a place that retention has passed", domain.Head{Seq: 9, Floor: 6}, 5, true, feed.Resync, 9},
		{"right at the floor nothing is missing", domain.Head{Seq: 9, Floor: 5}, 5, true, feed.Begin, 5},
		{"too far behind", domain.Head{Seq: 1000}, 499, true, feed.Resync, 1000},
		{"just near enough", domain.Head{Seq: 1000}, 500, true, feed.Begin, 500},
	} {
		t.Run(row.story, func(t *testing.T) {
			t.Parallel()
			var c feed.Cursor
			require.Equal(t, row.do, c.Open(row.head, row.last, row.hasLast))
			require.Equal(t, row.at, c.At())
		})
	}
}

// What is published while a watcher is being brought up to date is not lost and not repeated.
func TestCursor_CatchesUp(t *testing.T) {
	t.Parallel()
	var c feed.Cursor
	c.Open(domain.Head{Seq: 3}, 1, true)
	_, do := c.Offer(nil, 3)
	require.Equal(t, feed.CatchUp, do)
	_, do = c.Offer([]domain.FeedEvent{event(4)}, 4)
	require.Equal(t, feed.Nothing, do, "left to the reading")
	part, do := c.Read([]domain.FeedEvent{event(2), event(3)}, 4)
	require.Len(t, part, 2)
	require.Equal(t, feed.CatchUp, do)
	part, do = c.Read([]domain.FeedEvent{event(4)}, 4)
	require.Len(t, part, 1)
	require.Equal(t, feed.Nothing, do)
	part, do = c.Offer([]domain.FeedEvent{event(4), event(5)}, 5)
	require.Equal(t, feed.Push, do)
	require.Equal(t, []domain.FeedEvent{event(5)}, part)
	_, do = c.Offer([]domain.FeedEvent{event(7)}, 7)
	require.Equal(t, feed.CatchUp, do, "6 is missing")
	part, do = c.Read([]domain.FeedEvent{event(7)}, 7)
	require.Empty(t, part)
	require.Equal(t, feed.Resync, do, "the store has no 6: retention passed by")
	require.Equal(t, domain.Seq(7), c.At())
}
