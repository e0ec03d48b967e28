package visit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

func after(d time.Duration, h domain.Hit) func(*lane) {
	return func(l *lane) { l.now = l.now.Add(d); l.hit(h) }
}

func with(h domain.Hit, change func(*domain.Hit)) domain.Hit { change(&h); return h }

func TestSession(t *testing.T) {
	t.Parallel()
	campaign := func(name string) func(*domain.Hit) {
		return func(h *domain.Hit) { h.UTM = domain.UTM{Campaign: name} }
	}
	for name, row := range map[string]struct {
		pixel domain.Pixel
		hits  []func(*lane)
		want  func(*testing.T, domain.Visit)
	}{
		"the first hit begins the first session": {
			hits: []func(*lane){after(0, view("a"))},
			want: func(t *testing.T, v domain.Visit) {
				require.Equal(t, 1, v.Number)
				require.Equal(t, noon, v.StartedAt)
				require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, v.Session)
			},
		},
		"half an hour of quiet does not end it": {
			hits: []func(*lane){after(0, view("a")), after(30*time.Minute, view("b"))},
			want: func(t *testing.T, v domain.Visit) { require.Equal(t, 1, v.Number); require.Equal(t, 2, v.Views) },
		},
		"more does": {
			hits: []func(*lane){after(0, view("a")), after(30*time.Minute+1, view("b"))},
			want: func(t *testing.T, v domain.Visit) {
				require.Equal(t, 2, v.Number)
				require.Equal(t, 1, v.Views)
				require.Len(t, v.Pages, 1)
			},
		},
		"a pixel may say otherwise": {
			pixel: domain.Pixel{SessionIdle: time.Minute},
			hits:  []func(*lane){after(0, view("a")), after(time.Minute+1, view("b"))},
			want:  func(t *testing.T, v domain.Visit) { require.Equal(t, 2, v.Number) },
		},
		"another campaign does not split it, and the first one stays": {
			hits: []func(*lane){after(0, with(view("a"), campaign("spring"))), after(time.Minute, with(view("b"), campaign("autumn")))},
			want: func(t *testing.T, v domain.Visit) {
				require.Equal(t, 1, v.Number)
				require.Equal(t, "spring", v.UTM.Campaign)
			},
		},
		"a later campaign counts while there was none": {
			hits: []func(*lane){after(0, view("a")), after(time.Minute, with(view("b"), campaign("autumn")))},
			want: func(t *testing.T, v domain.Visit) { require.Equal(t, "autumn", v.UTM.Campaign) },
		},
		"click ids are gathered, one of each kind": {
			hits: []func(*lane){
				after(0, with(view("a"), func(h *domain.Hit) { h.Clicks = []domain.Click{{Kind: "gclid", Value: "1"}} })),
				after(0, with(view("b"), func(h *domain.Hit) {
					h.Clicks = []domain.Click{{Kind: "gclid", Value: "2"}, {Kind: "fbclid", Value: "3"}}
				})),
			},
			want: func(t *testing.T, v domain.Visit) {
				require.Equal(t, []domain.Click{{Kind: "gclid", Value: "1"}, {Kind: "fbclid", Value: "3"}}, v.Clicks)
			},
		},
		"a page's time is its longest report, and the visit's is the sum": {
			hits: []func(*lane){
				after(0, view("a")), after(0, leave("l1", "a", 3*time.Second)), after(0, leave("l2", "a", 9*time.Second)),
				after(0, leave("l3", "a", 5*time.Second)), after(0, view("b")), after(0, leave("l4", "b", time.Second)),
			},
			want: func(t *testing.T, v domain.Visit) {
				require.Equal(t, 9*time.Second, v.Pages[0].Duration)
				require.Equal(t, 10*time.Second, v.Duration)
				require.Equal(t, 2, v.Views)
			},
		},
		"a page that was open for a week was not read for a week": {
			hits: []func(*lane){after(0, view("a")), after(0, leave("l", "a", 7*24*time.Hour))},
			want: func(t *testing.T, v domain.Visit) { require.Equal(t, 24*time.Hour, v.Duration) },
		},
		"the leave of a page nobody remembers says nothing": {
			hits: []func(*lane){after(0, view("a")), after(0, leave("l", "z", time.Second))},
			want: func(t *testing.T, v domain.Visit) { require.Zero(t, v.Duration) },
		},
		"the leave of a page belongs to its session, however late": {
			hits: []func(*lane){after(0, view("a")), after(2*time.Hour, leave("l", "a", 2*time.Hour))},
			want: func(t *testing.T, v domain.Visit) {
				require.Equal(t, 1, v.Number)
				require.Equal(t, 2*time.Hour, v.Duration)
				require.Equal(t, noon.Add(2*time.Hour), v.LastAt)
			},
		},
		"the page where it began gives the referrer": {
			hits: []func(*lane){
				after(0, with(view("a"), func(h *domain.Hit) { h.Page.Referrer = "https://search.example" })),
				after(0, with(view("b"), func(h *domain.Hit) { h.Page.Referrer = "https://shop.example/a" })),
			},
			want: func(t *testing.T, v domain.Visit) { require.Equal(t, "https://search.example", v.Referrer) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.pixel = row.pixel
			w.pixel.ID = "shop"
			l := newLane(t, w)
			for _, do := range row.hits {
				do(l)
			}
			row.want(t, l.row)
		})
	}
}

// A visitor reads many pages: the first one and the newest are remembered, and all are counted. What was
// handed out before is not changed.
func TestSession_IsBounded(t *testing.T) {
	t.Parallel()
	l := newLane(t, newWorld())
	var rows []domain.Visit
	for i := range 2 * domain.MaxPages {
		rows = append(rows, l.hit(view(fmt.Sprint(i))))
		l.hit(leave(fmt.Sprint("l", i), fmt.Sprint(i), time.Second))
	}
	for i, v := range rows {
		newest := v.Pages[len(v.Pages)-1]
		require.Equal(t, i+1, v.Views)
		require.LessOrEqual(t, len(v.Pages), domain.MaxPages)
		require.Equal(t, "/0", v.Pages[0].Path)
		require.Equal(t, fmt.Sprint("/", i), newest.Path)
		require.Zero(t, newest.Duration)
	}
	require.Equal(t, "/21", l.row.Pages[1].Path)
	require.Equal(t, 2*domain.MaxPages*time.Second, l.row.Duration)
}
