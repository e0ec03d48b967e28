package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
)

// demonstration is `leadwire demo`, with nothing set up, and the addresses that it prints.
type demonstration struct {
	shop  string
	pages []string // of the buyers, by the links that are printed
}

func newDemonstration(t *testing.T) demonstration {
	t.Helper()
	out := &syncBuffer{}
	cmd := exec.Command(binary, "demo", "--listen", "127.0.0.1:0", "--shop", "127.0.0.1:0", "--people", "5000", "--rate", "0.2", "--seed", "7", "--data", t.TempDir())
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		require.NoError(t, <-exited, out.String())
		require.NotContains(t, out.String(), "DATA RACE")
	})
	find := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindStringSubmatch(out.String())
		require.Len(t, found, 2, out.String())
		return found[1]
	}
	require.Eventually(t, func() bool { return regexp.MustCompile("Ctrl-C ends it").MatchString(out.String()) }, patience, patienceStep, "%s", out)
	d := demonstration{shop: find(`pixel on it:\s+(http://\S+)`), pages: regexp.MustCompile(`http://\S+/\?token=\S+`).FindAllString(out.String(), -1)}
	require.Len(t, d.pages, 5)
	return d
}

// Somebody follows an advertisement into the demo's shop in a real browser. They are matched against the
// synthetic graph, announced as a first match with the pages they saw, and a buyer has a new lead.
func TestDemo_VisitorBecomesLead(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	b := browser.Start(t)
	d := newDemonstration(t)
	p := b.Page(t, browser.Look{})
	p.Goto(d.shop)
	var name string
	p.Evaluate("document.querySelector('#guests li b').textContent", &name)
	p.Click("#guests a")
	p.Wait("location.pathname == '/pricing'")
	payload := announced(p, d, "visitor.identified", name[:3])
	for _, part := range []string{`"level": "person"`, `"by": "click"`, `"trigger": "first_match"`, "/pricing", `"utm"`} {
		require.Contains(t, payload, part)
	}
	require.NotContains(t, payload, "127.0.0.1\"", "the visitor's address does not leave")

	require.Eventually(t, func() bool { return slices.ContainsFunc(d.pages, hasLead(t, name)) }, patience, patienceStep,
		"one of the five buyers, who take turns, has the visitor as a lead")

	p.Goto(d.shop + "/planner")
	p.Click("#next")
	p.Wait("location.pathname == '/planner/2'")
	updated := announced(p, d, "visitor.updated", "/planner/2") // the pixel follows a page that loads nothing
	require.Contains(t, updated, `"trigger": "every_update"`)
	require.Empty(t, p.Console())
}

// Somebody says who they are: their address is hashed in the browser, and found in the graph.
func TestDemo_IdentifyOnTheContactPage(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	b := browser.Start(t)
	d := newDemonstration(t)
	p := b.Page(t, browser.Look{})
	p.Goto(d.shop + "/products")
	p.Goto(d.shop + "/contact")
	p.Click("#contact button")
	p.Wait("!document.getElementById('thanks').hidden")
	payload := announced(p, d, "visitor.identified", "/contact")
	require.Contains(t, payload, "/products", "what was seen before they said who they are goes along")
	require.Contains(t, payload, `"level": "person"`)
}

// hasLead says of a buyer's page whether a lead of that name is among its leads, by the API behind it.
func hasLead(t *testing.T, name string) func(page string) bool {
	return func(page string) bool {
		base, token, _ := strings.Cut(page, "/?token=")
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/buyer/leads?limit=200", nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		first, last, _ := strings.Cut(name, " ")
		return strings.Contains(string(body), fmt.Sprintf(`"first_name":%q,"last_name":%q`, first, last)) && strings.Contains(string(body), `"source":"pixel"`)
	}
}

// announced reads the back office until it has an event of a type with a text in it, and returns it.
func announced(p *browser.Page, d demonstration, kind, text string) (payload string) {
	for end := time.Now().Add(browser.Patience); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
		p.Goto(d.shop + "/back-office")
		p.Evaluate(`Array.from(document.querySelectorAll('details[data-type="`+kind+`"] pre')).map(x => x.textContent).find(x => x.includes(`+quoted(text)+`)) || ""`, &payload)
		if payload != "" {
			return payload
		}
	}
	return ""
}

func quoted(s string) string { return "'" + s + "'" }
