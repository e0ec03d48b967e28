package queue_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// While everything waits, each class has its turns; a first match waits for one other at most.
func TestQueue_SharesTurns(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why     string
		waiting [domain.Classes]int
		want    [domain.Classes]int // of 16 turns
	}{
		{"all of them", [4]int{40, 40, 40, 40}, [4]int{9, 4, 2, 1}},
		{"what has nothing leaves its turns to the first that has", [4]int{0, 40, 40, 40}, [4]int{0, 13, 2, 1}},
		{"retries and replays", [4]int{0, 0, 40, 40}, [4]int{0, 0, 15, 1}},
		{"firsts alone", [4]int{40, 0, 0, 0}, [4]int{16, 0, 0, 0}},
		{"a few firsts go at once", [4]int{3, 40, 40, 40}, [4]int{3, 9, 3, 1}},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			d := open(t, domain.Endpoint{Concurrency: 1})
			d.lazy = true
			for c, n := range row.waiting {
				d.oweMany(fmt.Sprint("ghl-", c), domain.Class(c), n)
			}
			d.lazy = false
			d.take(d.queue.Granted(d.now))
			var got [domain.Classes]int
			for range 16 {
				require.Len(t, d.sent, 1, "one at a time")
				got[d.sent[0].Delivery.Class]++
				d.answerAll(answer(200, 0))
			}
			total := 0
			for c, n := range got {
				total += n
				require.GreaterOrEqual(t, n, min(row.waiting[c], []int{8, 4, 2, 1}[c]), "%v", got)
			}
			require.Equal(t, 16, total)
			if row.waiting[0] != 3 {
				require.Equal(t, row.want, got)
			}
		})
	}
}

// Retries have a quarter while first attempts wait, and otherwise all but one place.
func TestQueue_KeepsRetriesInTheirLane(t *testing.T) {
	t.Parallel()
	grown := func() *desk {
		d := open(t, domain.Endpoint{Concurrency: 8})
		for d.queue.Figures().Limit < 8 { // it takes a backlog of successes to get there
			if d.oweMany("ghl-", first, 20); d.answerAll(answer(200, 0)) == 0 {
				t.Fatal("nothing is sent")
			}
			for d.answerAll(answer(200, 0)) > 0 {
				continue
			}
		}
		return d
	}
	classes := func(d *desk) (n [domain.Classes]int) {
		for _, s := range d.sent {
			n[s.Delivery.Class]++
		}
		return n
	}
	d := grown()
	d.oweMany("ghl-r", retry, 20)
	require.Equal(t, [domain.Classes]int{0, 0, 7, 0}, classes(d), "never the last place")
	d.oweMany("ghl-f", first, 20)
	require.Equal(t, [domain.Classes]int{1, 0, 7, 0}, classes(d))
	for range 7 { // as the retries end, first attempts take their places
		i := slices.IndexFunc(d.sent, func(s queue.Send) bool { return s.Delivery.Class == retry })
		n := d.sent[i].Delivery.N
		d.sent = slices.Delete(d.sent, i, i+1)
		d.answer(n, answer(200, 0))
	}
	require.LessOrEqual(t, classes(d)[retry], 2)
	require.Len(t, d.sent, 8)
}

// A better class asks beside what was asked for, so that the node knows what it would be.
func TestQueue_AsksByClass(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Concurrency: 2})
	d.lazy = true
	d.oweMany("ghl-r", replay, 10)
	require.Equal(t, []domain.Class{replay}, d.asked)
	d.oweMany("ghl-u", update, 3)
	require.Equal(t, []domain.Class{replay, update}, d.asked)
	d.oweMany("ghl-f", first, 3)
	require.Equal(t, []domain.Class{replay, update, first}, d.asked, "once")
	for range d.asked {
		d.take(d.queue.Granted(d.now))
	}
	require.Len(t, d.sent, 2, "the third is given back")
}
