package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
)

// An operator watches two real nodes: one is killed, goes from the page, and what it held comes to the other; then that
// one ends as well, and the page says so.
func TestOps_TwoProcesses(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	p := browser.Start(t).Page(t, browser.Look{})
	f := newFleet(t, 2, "ann")
	key := strings.TrimSpace(leadwire(t, append([]string{"key", "create", "--scope", "cluster:read", "--valid", "1h"}, f.b.storage...)...))

	require.Equal(t, http.StatusOK, p.Goto("http://"+f.nets[0].Addr()+"/ops"))
	p.WaitState("no-key")
	p.Type(key)
	p.Press("Enter")
	p.WaitState("live")
	p.Wait(`document.getElementById('sum').dataset.verdict === 'whole'`)
	addresses := []string{standing(t, f.folders[0]).Address, standing(t, f.folders[1]).Address}
	require.Equal(t, map[string]string{addresses[0] + " this node": "", addresses[1]: "http://" + f.nets[1].Addr() + "/ops"}, membersOf(p))

	f.nodes[1].kill()
	p.Wait(fmt.Sprintf(`[...document.querySelectorAll('#move-rows tr')].some(tr => tr.cells[1].innerText === 'Left' && tr.cells[3].innerText === %s)`, strconv.Quote(addresses[1])))
	p.Wait(`document.getElementById('sum').dataset.verdict === 'whole' && document.getElementById('sum-more').innerText === 'by 1 node'`)
	require.Equal(t, map[string]string{addresses[0] + " this node": ""}, membersOf(p))
	require.Empty(t, p.Console())

	f.nodes[0].stop()
	p.WaitState("silent")
	require.Equal(t, map[string]string{addresses[0] + " this node": ""}, membersOf(p), "as it was")
}

// membersOf reads the page's members, and where their own pages are.
func membersOf(p *browser.Page) (members map[string]string) {
	p.Evaluate(`Object.fromEntries([...document.querySelectorAll('#member-rows th')].map(th => [th.innerText.trim(), th.querySelector('a')?.href ?? '']))`, &members)
	return members
}
