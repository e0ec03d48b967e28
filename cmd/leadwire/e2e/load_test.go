package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// event is one fact that the CRM tells: the n-th change of a lead, or with 0 that there is one.
type event struct {
	lead string // as the CRM calls it
	n    int
}

func (e event) id() string { return fmt.Sprintf("ev-%s-%d", e.lead, e.n) }

func (e event) name() string { return "Lead " + e.lead }

// company is what the newest change of a lead leaves behind; field is what every one does.
func (e event) company() string { return "Company " + strconv.Itoa(e.n) }

func (e event) field() (name, value string) { return "field-" + strconv.Itoa(e.n), strconv.Itoa(e.n) }

func (e event) body() string {
	if e.n == 0 {
		return contact(e.id(), e.lead, e.name())
	}
	name, value := e.field()
	return fmt.Sprintf(`{"type":"ContactUpdate","locationId":"loc-1","webhookId":%q,"id":%q,"companyName":%q,"customFields":[{"id":%q,"value":%q}],"timestamp":"2026-11-22T10:00:00.000Z"}`,
		e.id(), e.lead, e.company(), name, value)
}

// load is a CRM with several connections. Of four events two are new leads, one changes a lead that was
// acked, and one is told a second time. What is not acked is sent until it is; a lead's next change waits
// for that, as changes have an order. It remembers what was acked across processes.
type load struct {
	crm    *crm
	prefix string

	mu       sync.Mutex
	acked    map[event]bool
	told     []event // acked, in that order
	quiet    []event // of each lead without an event under way, the newest
	open     []event // sent, not acked: sent again first, like a CRM that retries
	leads    int
	turn     int
	statuses map[int]int
	broken   error // one of those that came in an answer's place
}

func newLoad(c *crm, prefix string) *load {
	return &load{crm: c, prefix: prefix, acked: map[event]bool{}, statuses: map[int]int{}}
}

func (l *load) run(p *process, stop <-chan struct{}) *sync.WaitGroup {
	return eightAtOnce(stop, func() { l.send(p, l.draw()) })
}

// eightAtOnce has eight callers who send, one after the other, until stop is closed. The group is done when all have
// their last answer.
func eightAtOnce(stop <-chan struct{}, send func()) *sync.WaitGroup {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					send()
				}
			}
		})
	}
	return &wg
}

// draw decides what to send.
func (l *load) draw() event {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) > 0 {
		e := l.open[0]
		l.open = l.open[1:]
		return e
	}
	l.turn++
	switch {
	case l.turn%4 == 0 && len(l.quiet) > 0:
		i, last := rand.IntN(len(l.quiet)), len(l.quiet)-1
		e := l.quiet[i]
		l.quiet[i], l.quiet = l.quiet[last], l.quiet[:last]
		e.n++
		return e
	case l.turn%4 == 2 && len(l.told) > 0:
		return l.told[rand.IntN(len(l.told))]
	}
	l.leads++
	return event{lead: fmt.Sprintf("%s%d", l.prefix, l.leads)}
}

func (l *load) send(p *process, e event) {
	status, err := l.crm.post(p, e.body())
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.broken = err
	} else {
		l.statuses[status]++
	}
	switch {
	case l.acked[e]: // told a second time
	case status == http.StatusOK:
		l.ack(e)
	default:
		l.open = append(l.open, e)
	}
}

func (l *load) ack(e event) {
	l.acked[e] = true
	l.told = append(l.told, e)
	l.quiet = append(l.quiet, e)
}

// events are all that were acked.
func (l *load) events() []event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]event(nil), l.told...)
}

func (l *load) count() (acked, refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked), l.statuses[http.StatusTooManyRequests]
}

// unacked is how many events were sent and not acked.
func (l *load) unacked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// answeredWell requires that nothing but 200 and 429 was ever answered: a 5xx makes GHL count a failure of
// the whole endpoint, and a 4xx ends its retries.
func (l *load) answeredWell(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for status, n := range l.statuses {
		require.Contains(t, []int{http.StatusOK, http.StatusTooManyRequests}, status, "%d times", n)
	}
}
