package dashboard_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/httpedge/apikey"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
)

// The operator's page in a real Chromium, on a real edge. One browser serves all stories.
func TestOps(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, story := range map[string]func(*testing.T, *station, *browser.Page){
		"a key is asked for, kept in this tab, and forgotten": keyAsked,
		"a key that does not open is refused in words":        keyRefused,
		"a key is revoked while the page is open":             keyRevoked,
		"who holds what":                       whoHolds,
		"a node goes":                          nodeGoes,
		"nodes that are not as they should be": oddNodes,
		"what a stranger wrote stays text":     opsText,
		"this node does not answer":            nodeSilent,
		"the store does not answer":            storeAway,
		"nothing is read while nobody looks":   opsHidden,
		"nodes that answer in turn":            inTurn,
		"by keyboard alone":                    opsKeyboard,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, newStation(t, three()), b.Page(t, browser.Look{}))
		})
	}
}

func keyAsked(t *testing.T, s *station, p *browser.Page) {
	key, _ := s.key(0, apikey.ClusterRead)
	s.enter(p, key)
	p.WaitState("live")
	var at struct {
		URL, Input, Local, Cookie string
		Kept                      []string
	}
	where := `({
		url: location.href, input: document.getElementById('key').value, local: JSON.stringify({...localStorage}),
		cookie: document.cookie, kept: Object.values({...sessionStorage}),
	})`
	p.Evaluate(where, &at)
	require.Equal(t, []string{key}, at.Kept)
	require.Equal(t, s.URL, at.URL)
	require.Empty(t, at.Input)
	require.Equal(t, "{}", at.Local)
	require.Empty(t, at.Cookie)
	require.NotContains(t, strings.Join(p.Requests(), " "), key, "no address has it")

	require.Equal(t, 200, p.Goto(s.URL))
	p.WaitState("live") // the tab has it still
	require.Contains(t, said(p), "10.0.0.2:9000")
	p.Click("#forget")
	p.WaitState("no-key")
	p.Evaluate(where, &at)
	require.Empty(t, at.Kept)
	require.NotContains(t, said(p), "10.0.0", "what the key had opened is gone with it")
	require.NotContains(t, title(p), "256")
	require.Equal(t, 200, p.Goto(s.URL))
	p.WaitState("no-key")
	require.Empty(t, p.Console(), "nothing was refused by the page's own policy")
}

func keyRefused(t *testing.T, s *station, p *browser.Page) {
	narrow, _ := s.key(0, apikey.GraphRead)
	expired, _ := s.key(-time.Minute, apikey.ClusterRead)
	good, _ := s.key(0, apikey.ClusterRead)
	unknown, _, _ := apikey.New()
	forged := good[:len("lwk_000000000000_")] + unknown[len("lwk_000000000000_"):]
	require.Equal(t, 200, p.Goto(s.URL))
	for _, row := range []struct{ key, says string }{
		{"hunter2", "This is no API key"},
		{unknown, "does not know this key"},
		{forged, "not the key that was made"},
		{expired, "has expired"},
		{narrow, "does not have the scope cluster:read"},
	} {
		typeKey(p, row.key)
		p.Wait(fmt.Sprintf(`document.getElementById('ask-why').innerText.includes(%s)`, strconv.Quote(row.says)))
		require.True(t, truth(p, `document.getElementById('cluster').hidden && sessionStorage.length === 0`), row.says)
	}
	require.Equal(t, 4, requests(p, strings.TrimSuffix("GET "+s.URL, "/ops")+"/api/"), "what can be no key is not sent")
	typeKey(p, good)
	p.WaitState("live")
}

func keyRevoked(t *testing.T, s *station, p *browser.Page) {
	key, id := s.key(0, apikey.ClusterRead)
	s.enter(p, key)
	p.WaitState("live")
	require.NoError(t, s.store.RevokeAPIKey(t.Context(), id, domain.AuditEntry{At: time.Now(), Actor: "test", Action: "key.revoke"}))
	p.WaitState("no-key")
	require.Contains(t, said(p), "revoked")
	require.NotContains(t, said(p), "10.0.0")
}

func whoHolds(t *testing.T, s *station, p *browser.Page) {
	s.look(p)
	require.Equal(t, "256 of 256 partitions held", words(p, "#sum-line"))
	require.Equal(t, "by 3 nodes", words(p, "#sum-more"))
	require.Equal(t, "whole", verdict(p))
	require.True(t, strings.HasPrefix(title(p), "256/256"))
	require.Contains(t, words(p, "#last"), "Last change 3 min ago: this node: handed partitions over (42)")
	require.Equal(t, [][]string{
		{"10.0.0.1:9000 this node", "86", "86", "", "1,234", "5", "2.1 s", "–"},
		{"10.0.0.2:9000", "88", "88", "", "880", "8", "2.3 s", "–"},
		{"10.0.0.3:9000", "82", "82", "", "820", "8", "2.3 s", "–"},
	}, cells(p, "#member-rows"), "of itself a node knows more than it told the store last")
	var bars []float64
	p.Evaluate(`[...document.querySelectorAll('#member-rows .bar')].map(b => b.querySelector('.bar-held').getBoundingClientRect().width / b.getBoundingClientRect().width)`, &bars)
	require.InDeltaSlice(t, []float64{86. / 256, 88. / 256, 82. / 256}, bars, 0.01)
	require.False(t, truth(p, `!document.getElementById('strangers').hidden`))
	var links []string
	p.Evaluate(`[...document.querySelectorAll('#member-rows a')].map(a => a.href)`, &links)
	require.Equal(t, []string{"https://two.example/ops"}, links, "each tells its own story; what is no web address is no link")

	moves := cells(p, "#move-rows")
	require.Len(t, moves, 4)
	require.Equal(t, []string{"Handed partitions over", "42", "10.0.0.1:9000"}, moves[0][1:], "newest first")
	require.Equal(t, []string{"Joined", "–", "10.0.0.3:9000"}, moves[1][1:])
	require.Equal(t, []string{"The store granted partitions", "128", "10.0.0.1:9000"}, moves[2][1:])
	newest := s.cluster.now().Moves[3].At
	require.True(t, strings.HasSuffix(moves[0][0], newest.Format("15:04:05")), moves[0][0])
	require.True(t, truth(p, `[...document.querySelectorAll('#move-rows time')].every(t => t.title === t.dateTime && /^\d{4}-\d\d-\d\dT.*Z$/.test(t.title))`))
	require.True(t, truth(p, `[...document.querySelectorAll('table')].every(t => t.caption.innerText !== '' || t.hidden)`))
}

func nodeGoes(t *testing.T, s *station, p *browser.Page) {
	s.look(p)
	mark(p, "10.0.0.2:9000")
	gone := s.cluster.now()
	gone.Members, gone.Leases = gone.Members[:2], slices.Clone(gone.Leases[:2])
	for i := range gone.Leases {
		gone.Leases[i].View = []domain.NodeID{"n1", "n2"}
	}
	gone.Moves = append(gone.Moves, cluster.Move{At: time.Now().UTC(), What: cluster.MoveLeft, Members: "10.0.0.3:9000"})
	s.cluster.Show(gone)
	p.Wait(`document.getElementById('sum-line').innerText.startsWith('174 of 256')`)
	require.Equal(t, "moving", verdict(p))
	require.Contains(t, words(p, "#sum-more"), "82 held by nobody, for")
	require.Contains(t, words(p, "#last"), "10.0.0.3:9000: left")
	require.Len(t, cells(p, "#member-rows"), 2)
	require.Equal(t, []string{"Left", "–", "10.0.0.3:9000"}, cells(p, "#move-rows")[0][1:])
	require.True(t, marked(p), "a row that is as it was is not made anew")

	p.Evaluate(`(() => { const real = Date.now; Date.now = () => real() + 11_000; })()`, nil)
	p.Wait(`document.getElementById('sum').dataset.verdict === 'missing'`) // it should be over by now

	gone.Leases = slices.Clone(gone.Leases)
	gone.Held, gone.Leases[1].Load.Held = 128, 128
	s.cluster.Show(gone)
	p.Wait(`document.getElementById('sum').dataset.verdict === 'whole'`)
}

func oddNodes(t *testing.T, s *station, p *browser.Page) {
	odd := three()
	all := []domain.NodeID{"n1", "n2", "n4", "n6"}
	odd.Outvoted, odd.Waiting, odd.Leaving = true, 3, 4
	odd.Members = append(odd.Members[:2:2], cluster.MemberShare{Address: "10.0.0.6:9000"})
	odd.Leases[0].View = slices.Concat(all, []domain.NodeID{"n7"}) // whom nothing else tells of
	odd.Leases = append(odd.Leases[:2:2],
		cluster.Lease{Node: "n3", Address: "10.0.0.3:9000", View: []domain.NodeID{"n1", "n3"}, Left: 1, Load: domain.NodeLoad{Held: 70}},
		cluster.Lease{Node: "n4", Address: "10.0.0.4:9000", View: all, Left: 1, Load: domain.NodeLoad{Held: 12}},
		cluster.Lease{Node: "n5", Address: "10.0.0.2:9000", View: all, Left: 0.4},
	)
	s.cluster.Show(odd)
	s.look(p)
	rows := cells(p, "#member-rows")
	require.Len(t, rows, 4)
	require.Equal(t, "stands down: it does not see the others, and they are more", rows[0][7])
	require.Equal(t, "88", rows[1][2], "of two runs at one address the one that is a member counts")
	require.Equal(t, []string{"10.0.0.4:9000", "0", "12", "", "0", "0", "1.0 s", "drained or leaving: it gets no share"}, rows[2])
	require.Equal(t, []string{"none", "no lease"}, rows[3][6:])
	require.Equal(t, [][]string{
		{"10.0.0.3:9000", "70", "0", "0", "1.0 s", "it sees this node, and this node does not see it"},
		{"10.0.0.2:9000", "0", "0", "0", "0.4 s", "an earlier run of a member: its lease runs out"},
	}, cells(p, "#stranger-rows"))
	require.Contains(t, words(p, "#absent"), "1 more node is known to gossip")
	require.Equal(t, "256 of 256 partitions held", words(p, "#sum-line"), "strangers hold as well")
	require.Equal(t, []string{"3", "4"}, []string{words(p, "#claiming"), words(p, "#draining")})

	drained := three()
	drained.Withdrawn, drained.Held, drained.Leaving, drained.Members = true, 3, 3, drained.Members[1:]
	drained.Leases[1].Load.Held = 176
	s.cluster.Show(drained)
	p.Wait(`document.getElementById('member-rows').rows[0].innerText.includes('drained: it gets no share')`)
	require.Equal(t, []string{"10.0.0.1:9000 this node", "0", "3"}, cells(p, "#member-rows")[0][:3])
	require.Equal(t, "256 of 256 partitions held", words(p, "#sum-line"))
	require.Contains(t, words(p, "#sum-more"), "5 are counted twice")
	require.Equal(t, "moving", verdict(p))
}

func opsText(t *testing.T, s *station, p *browser.Page) {
	evil := `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`
	odd := three()
	odd.Address, odd.Gossip, odd.Members[0].Address, odd.Leases[0].Address = evil, evil, evil, evil
	odd.Members[1].Address, odd.Leases[1].Address, odd.Leases[2].Node = evil+"2", evil+"2", domain.NodeID(evil)
	odd.Moves = append(odd.Moves, cluster.Move{At: time.Now().UTC(), What: cluster.MoveKind(evil), Members: evil})
	s.cluster.Show(odd)
	s.look(p)
	require.Contains(t, cells(p, "#member-rows")[1][0], evil)
	require.Equal(t, []string{evil, "–", evil}, cells(p, "#move-rows")[0][1:])
	require.Equal(t, evil, words(p, "#from"))
	require.Contains(t, words(p, "#last"), evil)
	require.True(t, truth(p, `document.querySelectorAll('main img, main script').length === 0`))
	require.NotContains(t, title(p), "taken")
	require.Empty(t, p.Console())
}

// cells reads a table's rows: the text of each cell.
func cells(p *browser.Page, body string) (rows [][]string) {
	p.Evaluate(fmt.Sprintf(`[...document.querySelector(%s).rows].map(tr => [...tr.cells].map(c => c.innerText.replace(/\s+/g, ' ').trim()))`, strconv.Quote(body)), &rows)
	return rows
}

func words(p *browser.Page, selector string) (said string) {
	p.Evaluate(fmt.Sprintf(`document.querySelector(%s).innerText`, strconv.Quote(selector)), &said)
	return said
}

// said is all that can be read on the page.
func said(p *browser.Page) string { return words(p, "body") }

func title(p *browser.Page) (said string) {
	p.Evaluate(`document.title`, &said)
	return said
}

func verdict(p *browser.Page) (word string) {
	p.Evaluate(`document.getElementById('sum').dataset.verdict`, &word)
	return word
}

func truth(p *browser.Page, script string) (yes bool) {
	p.Evaluate(script, &yes)
	return yes
}

// mark remembers the element of a member's row, and marked says whether it is there still.
func mark(p *browser.Page, address string) {
	p.Evaluate(fmt.Sprintf(`void (window.kept = [...document.querySelectorAll('#member-rows tr')].find(tr => tr.innerText.includes(%s)))`, strconv.Quote(address)), nil)
}

func marked(p *browser.Page) bool { return truth(p, `Boolean(window.kept?.isConnected)`) }
