package dashboard_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/httpedge/apikey"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
)

// three is a cluster of three nodes, whole, as the first of them sees it.
func three() cluster.Standing {
	now := time.Now().UTC()
	lease := func(node domain.NodeID, address string, held int) cluster.Lease {
		return cluster.Lease{
			Node: node, Address: address, View: []domain.NodeID{"n1", "n2", "n3"}, Left: 2.25,
			Load: domain.NodeLoad{Held: held, Actors: 10 * held, Messages: held / 10},
		}
	}
	return cluster.Standing{
		Node: "n1", Address: "10.0.0.1:9000", Gossip: "10.0.0.1:7946", Held: 86, LeaseLeft: 2.1, Alive: map[string]int{"lead": 1200, "buyer": 34}, Pending: 5,
		Members: []cluster.MemberShare{
			{Address: "10.0.0.1:9000", Local: true, Proposed: 86}, {Address: "10.0.0.2:9000", URL: "https://two.example", Proposed: 88},
			{Address: "10.0.0.3:9000", URL: "javascript:alert(1)", Proposed: 82},
		},
		Leases: []cluster.Lease{lease("n1", "10.0.0.1:9000", 80), lease("n2", "10.0.0.2:9000", 88), lease("n3", "10.0.0.3:9000", 82)},
		Moves: []cluster.Move{
			{At: now.Add(-time.Hour), What: cluster.MoveJoined, Members: "10.0.0.2:9000"},
			{At: now.Add(-time.Hour + time.Second), What: cluster.MoveHeld, Partitions: 128},
			{At: now.Add(-3 * time.Minute), What: cluster.MoveJoined, Members: "10.0.0.3:9000"},
			{At: now.Add(-3*time.Minute + 700*time.Millisecond), What: cluster.MoveGivenBack, Partitions: 42},
		},
	}
}

// look opens the page with a good key.
func (s *station) look(p *browser.Page) {
	s.t.Helper()
	key, _ := s.key(0, apikey.ClusterRead)
	s.enter(p, key)
	p.WaitState("live")
}

func nodeSilent(t *testing.T, s *station, p *browser.Page) {
	s.look(p)
	s.Net.Down()
	p.WaitState("silent")
	require.Contains(t, words(p, "#banner"), "This node does not answer. Below is how it was at ")
	require.Len(t, cells(p, "#member-rows"), 3, "what is shown stays, and says how old it is")
	p.Wait(`parseInt(document.getElementById('age').innerText, 10) >= 3`)
	s.Net.Up()
	p.WaitState("live")
	require.True(t, truth(p, `document.getElementById('banner').hidden`))

	s.Net.Freeze() // a node that is there and says nothing
	p.WaitState("silent")
	s.Net.Thaw()
	p.WaitState("live")
}

func storeAway(t *testing.T, s *station, p *browser.Page) {
	s.look(p)
	s.store.away.Store(true)
	lapsed := three()
	lapsed.LeaseLeft, lapsed.Held = 0, 0
	s.cluster.Show(lapsed)
	p.WaitState("store") // the key is known for a while; the lease is not
	require.Contains(t, words(p, "#banner"), "its store does not")
	require.Equal(t, "unknown", verdict(p))
	require.Equal(t, "This node cannot say who holds what", words(p, "#sum-line"))
	require.Contains(t, cells(p, "#member-rows")[0][7], "no lease")

	another := newStation(t, three()) // one that cannot even read who may ask
	key, _ := another.key(0, apikey.ClusterRead)
	another.store.away.Store(true)
	another.enter(p, key)
	p.WaitState("store")
	require.True(t, truth(p, `document.getElementById('cluster').hidden && document.getElementById('ask').hidden`), "the key may be good")
	another.store.away.Store(false)
	p.WaitState("live")
	require.Equal(t, "whole", verdict(p))
}

func opsHidden(t *testing.T, s *station, p *browser.Page) {
	s.look(p)
	hide := func(state string) {
		p.Evaluate(`(() => {
			Object.defineProperty(document, 'visibilityState', { value: '`+state+`', configurable: true });
			document.dispatchEvent(new Event('visibilitychange'));
		})()`, nil)
	}
	api := "GET " + strings.TrimSuffix(s.URL, "/ops") + "/api/"
	hide("hidden")
	other := p.Another()
	s.look(other)
	reads := func(n int) {
		other.Evaluate(`performance.clearResourceTimings()`, nil)
		other.Wait(fmt.Sprintf(`performance.getEntriesByType('resource').length >= %d`, n))
	}
	reads(1) // this page's last may have been under way
	before := requests(p, api)
	reads(3)
	require.Equal(t, before, requests(p, api), "three reads of somebody who looks")
	changed := three()
	changed.Held--
	s.cluster.Show(changed)
	hide("visible")
	p.Wait(`document.getElementById('sum-line').innerText.startsWith('255 of 256')`)
}

func inTurn(t *testing.T, s *station, p *browser.Page) {
	s.look(p)
	require.Equal(t, "10.0.0.1:9000", words(p, "#from"))
	require.True(t, truth(p, `document.getElementById('turns').hidden`))
	other := three()
	other.Node, other.Address, other.Held = "n2", "10.0.0.2:9000", 88
	for i := range other.Members {
		other.Members[i].Local = i == 1
	}
	s.cluster.Show(other)
	p.Wait(`document.getElementById('from').innerText === '10.0.0.2:9000'`)
	require.Contains(t, words(p, "#turns"), "different nodes in turn")
}

func opsKeyboard(t *testing.T, s *station, p *browser.Page) {
	key, _ := s.key(0, apikey.ClusterRead)
	require.Equal(t, 200, p.Goto(s.URL))
	p.Wait(`document.activeElement?.id === 'key'`)
	p.Type(key)
	p.Press("Tab")
	require.Equal(t, "Show the cluster", focused(p))
	p.Press("Enter")
	p.WaitState("live")
	require.Equal(t, "Cluster", focused(p))
	p.Press("Tab")
	require.Equal(t, "10.0.0.2:9000", focused(p), "the page of another node")
	p.Press("Shift+Tab")
	require.Equal(t, "Forget the key", focused(p))
	require.True(t, truth(p, `getComputedStyle(document.activeElement).outlineStyle === 'solid'`), "the focus can be seen")
	p.Press("Enter")
	p.Wait(`document.activeElement?.id === 'key'`)
}

func focused(p *browser.Page) (words string) {
	p.Evaluate(`document.activeElement.innerText`, &words)
	return words
}

// faint lists texts whose contrast is below WCAG's AA, as "ratio: text". Large text may have 3 to 1.
const faint = `(() => {
	const parts = (c) => { const x = c.match(/[\d.]+/g).map(Number); return c.startsWith('color(') ? [...x.slice(0, 3).map((v) => v * 255), x[3] ?? 1] : [x[0], x[1], x[2], x[3] ?? 1]; };
	const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const ground = (e) => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
	const bad = [];
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement, look = getComputedStyle(e);
		if (!texts.currentNode.data.trim() || !e.checkVisibility() || e.closest('script,noscript')) continue;
		const [a, b] = [light(parts(look.color)), light(ground(e))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
		const large = parseFloat(look.fontSize) >= 24 || (parseFloat(look.fontSize) >= 18.66 && look.fontWeight >= 700);
		if (ratio < (large ? 3 : 4.5)) bad.push(ratio.toFixed(2) + ': ' + texts.currentNode.data.trim());
	}
	return bad;
})()`

// Whatever is shown can be read, by day and by night, and fits the narrowest phone. LEADWIRE_SCREENSHOTS names a folder
// for eyes.
func TestOps_CanBeRead(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, look := range map[string]browser.Look{
		"light": {}, "dark": {Dark: true}, "phone": {Width: 320, Height: 720}, "phone-dark": {Width: 320, Height: 720, Dark: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, three())
			p := b.Page(t, look)
			check := func(scene string) {
				t.Helper()
				var bad []string
				p.Evaluate(faint, &bad)
				require.Empty(t, bad, scene)
				require.True(t, truth(p, `document.documentElement.scrollWidth <= innerWidth`), "%s: it has to be scrolled sideways", scene)
				if folder := os.Getenv("LEADWIRE_SCREENSHOTS"); folder != "" {
					p.Screenshot(filepath.Join(folder, "ops-"+name+"-"+scene+".png"))
				}
			}
			require.Equal(t, 200, p.Goto(s.URL))
			typeKey(p, "hunter2")
			p.Wait(`!document.getElementById('ask-why').hidden`)
			check("key")
			s.look(p)
			check("whole")
			missing := three()
			missing.Leases[2].Address, missing.Leases[2].Load.Held = "[2001:db8:85a3:8d3:1319:8a2e:370:7348]:9000", 3
			missing.Members = missing.Members[:2]
			missing.Leases[0].View = missing.Leases[0].View[:2]
			s.cluster.Show(missing)
			p.Wait(`document.getElementById('sum').dataset.verdict === 'moving' && !document.getElementById('strangers').hidden`)
			check("moving")
			p.Evaluate(`(() => { const real = Date.now; Date.now = () => real() + 11_000; })()`, nil)
			p.Wait(`document.getElementById('sum').dataset.verdict === 'missing'`)
			check("missing")
			s.Net.Down()
			p.WaitState("silent")
			check("silent")
		})
	}
}
