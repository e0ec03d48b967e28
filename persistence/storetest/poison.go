package storetest

import (
	"strings"
	"sync"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func poison(t *testing.T, h Harness) {
	// What no store could keep is refused as Invalid, by its field, and harms nobody who shares its batch.
	for _, row := range []struct {
		why  string
		spot func(*domain.Event)
	}{
		{"a NUL in the event's id", func(e *domain.Event) { e.ID = "a\x00b" }},
		{"a NUL behind a letter that is not ASCII", func(e *domain.Event) { e.ID = "é\x00" }},
		{"an event id that is not UTF-8", func(e *domain.Event) { e.ID = "a\xff" }},
		{"an empty event id", func(e *domain.Event) { e.ID = "" }},
		{"an event id longer than any index row", func(e *domain.Event) { e.ID = domain.EventID(strings.Repeat("x", 10_000)) }},
		{"a NUL in the lead's id", func(e *domain.Event) { e.Lead = "ghl-\x00" }},
		{"no lead for an event that opens one", func(e *domain.Event) { e.Lead = "" }},
		{"a type that is not UTF-8", func(e *domain.Event) { e.Type = "\xc3(" }},
		{"a contact that is not UTF-8", func(e *domain.Event) { e.Contact = []byte("{\"name\":\"\xff\"}") }},
		{"a body larger than a whole batch", func(e *domain.Event) { e.Body = make([]byte, 128<<20) }},
	} {
		t.Run("Receive/"+row.why, func(t *testing.T) {
			t.Parallel()
			var p trap
			s := h.Open(t, Options{Fail: p.fail}).Store
			f := claim(t, s)
			bad := event("bad", "ghl-bad")
			row.spot(&bad)
			together(t, s, &p, h, func(i int) error {
				if i == 3 {
					_, err := s.Receive(t.Context(), f, bad)
					assert.Equal(t, domain.Invalid, domain.CodeOf(err), "%v", err)
					return nil
				}
				id := names("e", 8)[i]
				_, err := s.Receive(t.Context(), f, event(id, domain.LeadID(id)))
				return err
			})
			require.Len(t, undecided(t, s, false), 7)
		})
	}

	for _, row := range []struct {
		why  string
		spot func(*domain.Decision)
	}{
		{"a NUL in the buyer's id", func(d *domain.Decision) { d.Buyer = "a\x00" }},
		{"no buyer", func(d *domain.Decision) { d.Buyer = "" }},
		{"a verb nobody knows", func(d *domain.Decision) { d.Verb = "sell" }},
		{"a contact that is not UTF-8", func(d *domain.Decision) { d.Contact = []byte("{\"name\":\"\xff\"}") }},
	} {
		t.Run("Decide/"+row.why, func(t *testing.T) {
			t.Parallel()
			var p trap
			s := h.Open(t, Options{Fail: p.fail}).Store
			f := claim(t, s)
			decisions := offer(t, s, f, "e", 8, 0, today)
			row.spot(&decisions[3])
			together(t, s, &p, h, func(i int) error {
				got, err := s.Decide(t.Context(), decisions[i])
				if i == 3 {
					assert.Equal(t, domain.Invalid, domain.CodeOf(err), "%v", err)
					return nil
				}
				assert.Equal(t, domain.Done, got.Outcome)
				return err
			})
			require.Len(t, feed(t, s, "bea"), 7)
			require.Len(t, undecided(t, s, false), 1)
		})
	}

	// A body is evidence, not text: any bytes are kept.
	t.Run("ABodyMayBeAnything", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		e.Body = []byte{0, 0xff, 0xfe, 0, '\'', '"'}
		receive(t, s, f, e)
	})
}

// together makes eight calls that share a batch: they gather behind a commit that stands still.
func together(t *testing.T, s domain.Store, p *trap, h Harness, call func(i int) error) {
	t.Helper()
	held, release := p.holdAt(h.Steps[0])
	defer release()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _ = s.Ping(t.Context()) })
	<-held
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = call(i) })
	}
	release()
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}
