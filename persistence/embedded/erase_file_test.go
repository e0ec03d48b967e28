package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
)

// hers are the words that must not be left: an e-mail, its digest, a phone, a name.
var hers = []string{
	"ada.lovelace@analytical.example", "5f1d7a84db00d2fce00b31a7fc73224f5f1d7a84db00d2fce00b31a7fc73224f", "+4930901820", "Lovelace",
}

// In the middle of mixed traffic a person is erased who was everywhere: in rows that grew and moved from page
// to page, in chains of overflow pages, in rows that were settled or that retention had removed before, in what
// others' browsers once told.
// Afterwards no byte of her is in any of the store's files.
func TestErase_LeavesNoByteInTheFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{CheckpointPages: 64}).Store.(*Store) // checkpoints come often: she reaches the file again and again
	fences, err := s.Claim(t.Context(), "node", []domain.Partition{1})
	require.NoError(t, err)
	w := &world{t: t, s: s, fence: fences[0], rand: rand.New(rand.NewPCG(1, 2)), revisions: map[domain.VisitorID]int64{}, erasure: domain.Erasure{Account: "acme", Texts: hers[:3]}}
	for range 1500 {
		w.step()
	}
	for _, word := range hers {
		require.NotEmpty(t, found(t, dir, word), "the test looks where %s is", word)
	}
	_, err = s.Maintain(t.Context(), time.Now().Add(35*24*time.Hour), domain.Retention{}) // bodies and announcements go
	require.NoError(t, err)
	for range 300 {
		w.step()
	}

	stop := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() { // the traffic of everybody else goes on
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				w.passer(fmt.Sprintf("during-%d", i))
			}
		}
	})
	got, err := s.Erase(t.Context(), w.erasure)
	close(stop)
	others.Wait()
	require.NoError(t, err)
	require.Positive(t, got.Rows["visits"])
	require.Positive(t, got.Rows["feed_events"])
	require.Positive(t, got.Rows["receipts"])

	// The keys of her links are told to other nodes for a day, as digests; then they go as well.
	for _, word := range hers {
		if word != hers[1] {
			require.Empty(t, found(t, dir, word), word)
		}
	}
	_, err = s.Maintain(t.Context(), time.Now().Add(25*time.Hour), domain.Retention{})
	require.NoError(t, err)
	require.NoError(t, s.scrub(t.Context()))
	require.Empty(t, found(t, dir, hers[1]))
	require.NoError(t, s.read(t.Context(), "check", checkIntegrity))
	w.requireOthers()
}

// While somebody reads from before the erasure, the log cannot be cut: the erasure waits for the reader.
func TestErase_WaitsForReaders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{}).Store.(*Store)
	fences, err := s.Claim(t.Context(), "node", []domain.Partition{1})
	require.NoError(t, err)
	w := &world{t: t, s: s, fence: fences[0], rand: rand.New(rand.NewPCG(1, 2)), revisions: map[domain.VisitorID]int64{}, erasure: domain.Erasure{Account: "acme", Texts: hers[:3]}}
	for range 40 {
		w.step()
	}
	reading, done := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(done) })
	defer release()
	var reader sync.WaitGroup
	reader.Go(func() {
		_ = s.read(context.Background(), "read for long", func(c *sqlite.Conn) error {
			return query(c, `SELECT n FROM visits LIMIT 1`, func(*sqlite.Stmt) {
				close(reading)
				<-done
			})
		})
	})
	<-reading
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = s.Erase(ctx, w.erasure)
	require.Equal(t, domain.Unavailable, domain.CodeOf(err), "%v", err)
	require.NotEmpty(t, found(t, dir, hers[3]))
	release()
	reader.Wait()
	_, err = s.Erase(t.Context(), w.erasure)
	require.NoError(t, err)
	require.Empty(t, found(t, dir, hers[3]))
}

// world is traffic in which one in ten is she.
type world struct {
	t         *testing.T
	s         *Store
	fence     domain.Fence
	rand      *rand.Rand
	n         int
	revisions map[domain.VisitorID]int64
	erasure   domain.Erasure
}

func (w *world) step() {
	w.n++
	v := w.rand.IntN(200)
	her := v%10 == 0
	visitor := domain.VisitorID(fmt.Sprintf("visitor-%d", v))
	words := strings.Repeat("x", w.rand.IntN(40))
	if her {
		words = strings.Join(hers, " ")
	}
	w.observe(visitor, her, words)
	if w.n%3 == 0 {
		w.lead(fmt.Sprintf("lead-%d-%v", w.n, her), her, words)
	}
}

// observe grows the visit with each hit, so that its row moves and overflows.
func (w *world) observe(visitor domain.VisitorID, her bool, words string) {
	t, now := w.t, time.Now().UTC()
	revision := w.revisions[visitor]
	o := domain.Observation{
		Fence: w.fence, Expect: revision,
		Hits:  []domain.Hit{{Account: "acme", Visitor: visitor, ID: domain.EventID(fmt.Sprintf("hit-%d", w.n)), Type: domain.PageView, Body: []byte(words), ReceivedAt: now}},
		Visit: domain.Visit{Account: "acme", Visitor: visitor, LastAt: now},
	}
	if w.n%25 == 1 { // it was hers for a moment: a hit of her own stays among somebody else's
		o.Hits[0].Body = []byte(strings.Join(hers, " "))
	}
	if w.n%4 == 0 { // two that came together
		o.Hits = slices.Repeat(o.Hits, 2)
		o.Hits[1].ID += "-too"
	}
	for i := range min(int(revision)+1, domain.MaxPages) {
		o.Visit.Pages = append(o.Visit.Pages, domain.PageSeen{URL: "https://shop.example/" + words, Title: strings.Repeat(words, i%4)})
	}
	person := domain.PersonID("p-" + visitor)
	if her {
		o.Visit.HEMs = []domain.HEM{{Variant: "lower", SHA256: hers[1]}}
		o.Learn = []domain.Link{{Account: "acme", Key: domain.Key{Kind: domain.KeySHA256, Value: hers[1]}, Person: person, From: "identify", At: now}}
		if revision == 0 {
			w.erasure.Visitors = append(w.erasure.Visitors, visitor)
			w.erasure.Persons = append(w.erasure.Persons, person)
			w.erasure.Leads = append(w.erasure.Leads, domain.LeadOfPerson(person))
		}
	}
	lead := domain.LeadOfPerson(person)
	o.Owed = []domain.Sighting{{Partition: 1, Account: "acme", Lead: lead, Person: person, DueAt: now}}
	got, err := w.s.Observe(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	w.revisions[visitor] = got.Visit.Revision
	if w.n%2 == 0 {
		j := domain.Judgement{Fence: w.fence, Lead: o.Owed[0].Key(), Settle: got.Owed}
		j.After = domain.Acquaintance{Account: "acme", Lead: lead, LastAt: now}
		if known, err := w.s.Acquaintance(t.Context(), j.Lead); err == nil {
			j.Expect = known.Revision
		}
		payload, _ := json.Marshal(words)
		j.Announce = []domain.Announcement{{ID: o.Hits[0].ID, Account: "acme", Type: domain.VisitorUpdatedEvent, Lead: lead, Payload: payload, At: now}}
		j.Announce[0].Owed = []domain.Owed{{Endpoint: "crm", Partition: 1}, {Endpoint: "warehouse", Partition: 1}}
		judged, err := w.s.Judge(t.Context(), j)
		require.NoError(t, err)
		require.Equal(t, domain.Done, judged.Outcome)
		w.deliver(judged.Announced[0].Deliveries, words)
	}
}

// deliver leaves deliveries in every state; the endpoints' answers say what they were sent.
func (w *world) deliver(all []domain.Delivery, words string) {
	for i, d := range all {
		now := time.Now().UTC()
		a := domain.Attempted{Fence: w.fence, Key: d.Key(), Delivery: d.N, Lead: d.Lead, Expect: 1, State: domain.DeliveryDelivered}
		a.Receipt = domain.Receipt{Number: 1, At: now, Status: 200, Reason: words, Body: []byte(words), Header: domain.Header{"X-Echo": {words}}}
		switch (w.n/2 + i) % 3 {
		case 0:
			continue
		case 1:
			a.State, a.NextAt, a.ReleaseAt, a.Receipt.Error = domain.DeliveryPending, now.Add(time.Minute), now.Add(time.Hour), domain.ErrorStatus
		}
		got, err := w.s.RecordAttempt(w.t.Context(), a)
		require.NoError(w.t, err)
		require.Equal(w.t, domain.Done, got.Outcome)
	}
}

// lead leaves leads in every state: assigned and updated, held, or not yet decided.
func (w *world) lead(id string, her bool, words string) {
	t, now := w.t, time.Now().UTC()
	contact, _ := json.Marshal(map[string]string{"name": words, "pad": strings.Repeat(words, w.rand.IntN(60))})
	lead := domain.LeadID("ghl-" + id)
	if her {
		w.erasure.Leads = append(w.erasure.Leads, lead)
	}
	e := domain.Event{Account: "acme", Source: "ghl", ID: domain.EventID(id), Type: "ContactCreate", Effect: domain.Open, Lead: lead, Contact: contact, Body: contact, ReceivedAt: now}
	d := domain.Decision{
		Fence: w.fence, Verb: domain.Assign, Lead: domain.LeadKey{Account: "acme", Lead: lead}, Source: "ghl", EventID: e.ID, Contact: contact,
		Buyer: "bea", Day: "2026-11-22", ReceivedAt: now, At: now,
	}
	switch w.n % 4 {
	case 0:
		_, err := w.s.Receive(t.Context(), w.fence, e)
		require.NoError(t, err)
		return
	case 1:
		d.Verb = domain.Hold
	}
	_, err := w.s.Admit(t.Context(), w.fence, e, d)
	require.NoError(t, err)
	e.ID += "-again"
	d.Verb, d.Expect, d.EventID = domain.Update, 1, e.ID
	_, err = w.s.Admit(t.Context(), w.fence, e, d)
	require.NoError(t, err)
}

func (w *world) passer(id string) {
	now := time.Now().UTC()
	visit := domain.Visit{Account: "acme", Visitor: domain.VisitorID(id), LastAt: now, Pages: make([]domain.PageSeen, len(id))}
	hit := domain.Hit{Account: "acme", Visitor: visit.Visitor, ID: domain.EventID(id), Type: domain.PageView, ReceivedAt: now}
	basis, err := w.s.SuppressionRevision(w.t.Context())
	if err == nil {
		_, _ = w.s.Observe(w.t.Context(), domain.Observation{Fence: w.fence, Hits: []domain.Hit{hit}, Visit: visit, Basis: basis})
	}
}

func (w *world) requireOthers() {
	for visitor, revision := range w.revisions {
		got, err := w.s.Visit(w.t.Context(), domain.VisitorKey{Account: "acme", Visitor: visitor})
		if strings.HasSuffix(string(visitor), "0") {
			require.Equal(w.t, domain.NotFound, domain.CodeOf(err), visitor)
			continue
		}
		require.NoError(w.t, err, visitor)
		require.Equal(w.t, revision, got.Revision)
	}
}

// found lists the store's files that a word stands in.
func found(t *testing.T, dir, word string) (in []string) {
	t.Helper()
	for _, name := range []string{fileName, fileName + "-wal", fileName + "-shm"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		if n := strings.Count(string(b), word); n > 0 {
			in = append(in, fmt.Sprintf("%s: %d times", name, n))
		}
	}
	return in
}
