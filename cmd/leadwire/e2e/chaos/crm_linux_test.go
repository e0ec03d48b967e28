package chaos_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// crm is a Go High Level. Of four of its events two are new leads, one changes a lead, and one was told and acked
// before. The next change of a lead waits for the one before, as changes have an order.
type crm struct {
	key    ed25519.PrivateKey
	public string

	mu    sync.Mutex
	rng   *rand.Rand
	turn  int
	leads int
	quiet []change // of each lead without an event under way, the newest
	acked map[change]bool
	told  []change
}

// change is one fact: the n-th change of a lead, or with 0 that there is one.
type change struct{ lead, n int }

func leadName(n int) string { return fmt.Sprintf("c%d", n) }

func (c change) id() string { return fmt.Sprintf("ev-%s-%d", leadName(c.lead), c.n) }

// company is what the newest change of a lead leaves behind; field is what every one does.
func (c change) company() string { return "Company " + strconv.Itoa(c.n) }

func (c change) field() (name, value string) { return "field-" + strconv.Itoa(c.n), strconv.Itoa(c.n) }

func (c change) body() string {
	if c.n == 0 {
		return fmt.Sprintf(`{"type":"ContactCreate","locationId":"loc-1","webhookId":%q,"id":%q,"name":"Lead %d","email":"%s@example.com","timestamp":"2026-11-22T10:00:00.000Z"}`,
			c.id(), leadName(c.lead), c.lead, leadName(c.lead))
	}
	name, value := c.field()
	return fmt.Sprintf(`{"type":"ContactUpdate","locationId":"loc-1","webhookId":%q,"id":%q,"companyName":%q,"customFields":[{"id":%q,"value":%q}],"timestamp":"2026-11-22T10:00:00.000Z"}`,
		c.id(), leadName(c.lead), c.company(), name, value)
}

func newCRM(t *testing.T, seed uint64) *crm {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	return &crm{key: private, public: base64.StdEncoding.EncodeToString(der), rng: rand.New(rand.NewPCG(seed, 2)), acked: map[change]bool{}}
}

func (c *crm) next() (request, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.draw()
	body := e.body()
	header := http.Header{"Content-Type": {"application/json"}, "X-Ghl-Signature": {base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, []byte(body)))}}
	return request{id: e.id(), path: "/leads/webhook/ghl", header: header, body: body, good: http.StatusOK}, func() { c.done(e) }
}

func (c *crm) draw() change {
	c.turn++
	switch {
	case c.turn%4 == 0 && len(c.quiet) > 0:
		i, last := c.rng.IntN(len(c.quiet)), len(c.quiet)-1
		e := c.quiet[i]
		c.quiet[i], c.quiet = c.quiet[last], c.quiet[:last]
		e.n++
		return e
	case c.turn%4 == 2 && len(c.told) > 0:
		return c.told[c.rng.IntN(len(c.told))]
	}
	c.leads++
	return change{lead: c.leads}
}

func (c *crm) done(e change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.acked[e] {
		return // told a second time
	}
	c.acked[e] = true
	c.told, c.quiet = append(c.told, e), append(c.quiet, e)
}

// events are all that were acked.
func (c *crm) events() []change {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]change(nil), c.told...)
}
