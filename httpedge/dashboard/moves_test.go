package dashboard_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/leadwire/leadwire/httpedge/sse"
)

// When a page asks where its buyer lives and what it makes of the answer, by a clock that only the test moves. Its first wait is a
// second, its longest eight.
func TestLeadStream_Follows(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	w := newWorld(t, sse.Config{})
	fakes, err := os.ReadFile("testdata/moves.js")
	require.NoError(t, err)
	for name, row := range map[string]struct {
		tell   string
		opened []string // where, one after the other
		asked  int
	}{
		"the buyer moves": {`async (s) => {
			s.homes = [s.at('two'), s.at('three')];
			await s.opens();
			await s.tell();
			await s.advance(1_000);
			await s.opens();
			await s.advance(60_000);
		}`, []string{"two", "three"}, 2},
		"who is asked has not heard of the move": {`async (s) => {
			s.homes = [s.at('two'), s.at('two'), s.at('two'), s.at('three')];
			await s.opens();
			await s.tell();
			await s.advance(7_000);
			await s.opens();
			await s.advance(60_000);
		}`, []string{"two", "three"}, 4},
		"the buyer has moved back": {`async (s) => {
			s.homes = [s.at('two')];
			await s.opens();
			await s.tell();
			await s.advance(600_000);
		}`, []string{"two"}, 5}, // after 1, 2, 4 and 8 seconds
		"nobody can say at first": {`async (s) => {
			s.homes = [null, { local: false }, s.at('two')];
			await s.opens();
			await s.advance(3_000);
			await s.opens();
		}`, []string{"here", "two"}, 3},
		"nobody knows at first": {`async (s) => {
			s.homes = [{ local: false }, null, s.at('two')];
			await s.opens();
			await s.advance(3_000);
			await s.opens();
		}`, []string{"here", "two"}, 3},
		"there is one node": {`async (s) => {
			s.homes = [{ local: true }];
			await s.opens();
			await s.advance(600_000);
		}`, []string{"here"}, 1},
		"nobody knows, and then there is one node": {`async (s) => {
			s.homes = [{ local: false }, { local: true }];
			await s.opens();
			await s.advance(600_000);
		}`, []string{"here"}, 2},
		"no browser gets to the owner": {`async (s) => {
			s.homes = [s.at('two'), { owner: 'three', local: false }];
			await s.opens();
			await s.tell();
			await s.advance(600_000);
		}`, []string{"two"}, 2},
		"an old move fails for good while a new one waits": {`async (s) => {
			s.homes = [s.at('two'), null, null, null, s.at('three'), s.at('four')];
			await s.opens();
			await s.tell();
			await s.advance(15_000); // three is opened, and is not tried again
			await s.tell();
			await s.breaks();
			await s.advance(1_000);
			await s.opens();
		}`, []string{"two", "three", "four"}, 6},
		"an old move fails while a new one waits": {`async (s) => {
			s.homes = [s.at('two'), null, s.at('three'), s.at('four')];
			await s.opens();
			await s.tell();
			await s.advance(3_000); // three is opened, and tried again within four seconds
			await s.tell();
			await s.breaks();
			await s.advance(1_000);
			await s.opens();
			await s.advance(60_000);
		}`, []string{"two", "three", "four"}, 4},
		"a new move comes while an old one waits": {`async (s) => {
			s.homes = [s.at('two'), null, null, null, s.at('three')];
			await s.opens();
			await s.tell();
			await s.advance(8_000); // the last try is seven seconds away
			await s.tell();
			await s.advance(1_000);
			await s.opens();
			await s.advance(60_000);
		}`, []string{"two", "three"}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := b.Page(t, browser.Look{})
			require.Equal(t, 200, p.Goto(w.URL+"assets/app.css")) // of this origin, and no page that follows by itself
			var got struct {
				Opened []string
				Asked  int
			}
			p.Evaluate(strings.Replace(string(fakes), "TELL", row.tell, 1), &got)
			require.Equal(t, row.opened, got.Opened)
			require.Equal(t, row.asked, got.Asked)
		})
	}
}
