package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// attempting: what became of an attempt is kept, moves its delivery on, and is told.
func attempting(t *testing.T, h Harness) {
	telling(t, h)

	// Two failures and an arrival: the delivery says where it stands, the receipts say how it came there.
	t.Run("KeepsReceiptsAndMovesOn", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		d := oweOne(t, s, f, "a-1", "ghl-ada", crm)
		at := noon.Add(123456 * time.Microsecond) // as fine as every store keeps it
		first := fails(f, d, at)
		first.Receipt.Body = []byte("no\x00t «now»\xff\xfe")
		first.Receipt.Truncated, first.Receipt.Header = true, domain.Header{"Retry-After": {"120"}, "Server": {"a", "b"}}
		record(t, s, first)
		want := bare(d)
		want.Revision, want.Attempts, want.Class, want.Reason = 2, 1, domain.ClassRetry, "503 Service Unavailable"
		want.FirstAt, want.FailedAt, want.DueAt, want.ReleaseAt = at, at.Add(40*time.Millisecond), first.NextAt, first.ReleaseAt
		require.Equal(t, want, delivery(t, s, d.N))

		second := fails(f, want, first.NextAt)
		second.Receipt.Trigger, second.Receipt.Status, second.Receipt.Error = domain.TriggerRetry, 0, domain.ErrorTimeout
		second.Receipt.Header, second.Receipt.Body, second.Receipt.Address, second.Receipt.SecretID = nil, nil, "", ""
		second.Receipt.Reason, second.Receipt.OutOfOrder = "no answer within 15s", true
		record(t, s, second)
		want.Revision, want.Attempts, want.Reason, want.DueAt = 3, 2, "no answer within 15s", second.NextAt
		require.Equal(t, want, delivery(t, s, d.N))

		third := arrives(f, want, second.NextAt)
		record(t, s, third)
		s = in.Crash(t).Store
		want.State, want.Revision, want.Attempts, want.Reason, want.DueAt, want.EndedAt =
			domain.DeliveryDelivered, 4, 3, "200 OK", time.Time{}, third.Receipt.EndedAt()
		require.Equal(t, want, delivery(t, s, d.N))
		require.Equal(t, []domain.Receipt{first.Receipt, second.Receipt, third.Receipt}, receipts(t, s, d.N))
		some, err := s.Receipts(t.Context(), account, d.N, 2)
		require.NoError(t, err)
		require.Len(t, some, 2)
		require.Equal(t, 1, some[0].Number, "oldest first")
		require.Empty(t, due(t, s, crm, noon.Add(day)))
	})

	// A delivery can end without having been tried: there is no receipt, but a reason.
	t.Run("EndsWithoutAnAttempt", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		d := oweOne(t, s, f, "a-1", "ghl-ada", crm)
		a := attempt(f, d, noon, domain.DeliverySuppressed, domain.ErrorSuppressed)
		a.Receipt.Number, a.Receipt.Phases, a.Receipt.Reason = 0, domain.Phases{}, "s-1"
		record(t, s, a)
		want := bare(d)
		want.State, want.Revision, want.Reason, want.DueAt, want.EndedAt = domain.DeliverySuppressed, 2, "s-1", time.Time{}, noon
		require.Equal(t, want, delivery(t, s, d.N))
		require.Empty(t, receipts(t, s, d.N))
		require.EqualValues(t, 1, endpointState(t, s, crm).Revision, "it says nothing of the endpoint")
	})

	// The answer was lost and the attempt is recorded again, or another activation was first: it counts once.
	t.Run("CountsOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		d, behind := oweOne(t, s, f, "a-1", "ghl-ada", crm), oweOne(t, s, f, "a-2", "ghl-ada", crm)
		again := func(a domain.Attempted, want domain.Outcome) {
			t.Helper()
			got, err := s.RecordAttempt(t.Context(), a)
			require.NoError(t, err)
			require.Equal(t, domain.AttemptRecorded{Outcome: want}, got)
		}
		a := fails(f, d, noon)
		record(t, s, a)
		again(a, domain.Stale)
		again(arrives(f, d, noon), domain.Stale)
		early := fails(f, delivery(t, s, d.N), noon)
		early.Expect++
		again(early, domain.Stale)
		last := arrives(f, delivery(t, s, d.N), noon)
		require.Equal(t, behind.N, record(t, s, last).Next)
		again(last, domain.AlreadyDecided)
		again(a, domain.AlreadyDecided)
		require.Len(t, receipts(t, s, d.N), 2)
		unknown := arrives(f, behind, noon)
		unknown.Delivery += 1000
		again(unknown, domain.AlreadyDecided)
	})

	// A number alone is not enough: it has to be that endpoint's, and that lead's.
	t.Run("IsOfItsEndpointAndLead", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		both := owe(t, s, f, "a-1", "ghl-ada", crm, warehouse)
		for _, spot := range []func(*domain.Attempted){
			func(a *domain.Attempted) { a.Key.Endpoint = warehouse },
			func(a *domain.Attempted) { a.Key.Endpoint = "unknown" },
			func(a *domain.Attempted) { a.Key.Account = "globex" },
			func(a *domain.Attempted) { a.Lead = "ghl-bob" },
		} {
			a := arrives(f, both[0], noon)
			spot(&a)
			got, err := s.RecordAttempt(t.Context(), a)
			require.NoError(t, err)
			require.Equal(t, domain.AlreadyDecided, got.Outcome)
		}
		require.Equal(t, bare(both[0]), delivery(t, s, both[0].N))
	})

	// Many activations have made the same attempt: one of them is recorded.
	t.Run("OneAttemptIsRecordedOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		d := oweOne(t, s, f, "a-1", "ghl-ada", crm)
		outcomes := make([]domain.Outcome, 20)
		var wg sync.WaitGroup
		for i := range outcomes {
			wg.Go(func() {
				got, err := s.RecordAttempt(t.Context(), fails(f, d, noon))
				if err != nil {
					t.Errorf("record attempt: %v", err)
				}
				outcomes[i] = got.Outcome
			})
		}
		wg.Wait()
		counts := map[domain.Outcome]int{}
		for _, o := range outcomes {
			counts[o]++
		}
		require.Equal(t, map[domain.Outcome]int{domain.Done: 1, domain.Stale: 19}, counts)
		require.Len(t, receipts(t, s, d.N), 1)
	})

	// A whole line is settled in one batch, in the order in which it came: each sees what those before it did.
	t.Run("ABatchSettlesALine", func(t *testing.T) {
		t.Parallel()
		var p trap
		s := h.Open(t, Options{Fail: p.fail}).Store
		f := claim(t, s)
		var line []domain.Delivery
		for _, id := range names("a", 8) {
			line = append(line, oweOne(t, s, f, id, "ghl-ada", crm), oweOne(t, s, f, id+"-bob", domain.LeadID("ghl-"+id), crm))
		}
		together(t, s, &p, h, func(i int) error {
			for _, d := range line[2*i : 2*i+2] {
				if _, err := s.RecordAttempt(t.Context(), arrives(f, d, noon)); err != nil {
					return err
				}
			}
			return nil
		})
		for _, d := range deliveries(t, s, domain.DeliveryFilter{}) {
			require.Equal(t, domain.DeliveryDelivered, d.State)
		}
		require.Empty(t, due(t, s, crm, noon.Add(day)))
	})

	// Who has lost the partition learns it, before anything else is said.
	t.Run("IsFenced", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		old := claim(t, s)
		d, ended := oweOne(t, s, old, "a-1", "ghl-ada", crm), oweOne(t, s, old, "a-2", "ghl-bob", crm)
		record(t, s, arrives(old, ended, noon))
		now := claim(t, s)
		for _, a := range []domain.Attempted{fails(old, d, noon), arrives(old, ended, noon)} {
			_, err := s.RecordAttempt(t.Context(), a)
			require.ErrorIs(t, err, domain.ErrFenced)
		}
		require.Equal(t, bare(d), delivery(t, s, d.N))
		record(t, s, fails(now, d, noon))
	})

	// The endpoint's state follows its attempts: since when it fails, when it last took something, and why nothing
	// is sent to it any more.
	t.Run("TheEndpointsStateFollows", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		want := domain.EndpointState{Key: endpoint(crm), Revision: 1}
		at := noon
		for i, step := range []struct {
			why    string
			make   func(d domain.Delivery) domain.Attempted
			expect func()
		}{
			{"the first failure", func(d domain.Delivery) domain.Attempted { return fails(f, d, at) },
				func() { want.FailingSince = at.Add(40 * time.Millisecond); want.Revision++ }},
			{"a later one changes nothing", func(d domain.Delivery) domain.Attempted { return fails(f, d, at) }, func() {}},
			{"a success", func(d domain.Delivery) domain.Attempted { return arrives(f, d, at) },
				func() {
					want.FailingSince, want.SucceededAt = time.Time{}, at.Add(40*time.Millisecond)
					want.Revision++
				}},
			{"a failure that is ours", func(d domain.Delivery) domain.Attempted {
				return attempt(f, d, at, domain.DeliveryExhausted, domain.ErrorPayload)
			}, func() {}},
			{"gone, and disabled for it", func(d domain.Delivery) domain.Attempted {
				a := fails(f, d, at)
				a.Disable = "410 Gone"
				return a
			}, func() {
				want.FailingSince, want.DisabledAt, want.Reason = at.Add(40*time.Millisecond), at.Add(40*time.Millisecond), "410 Gone"
				want.Revision++
			}},
			{"it is disabled once", func(d domain.Delivery) domain.Attempted {
				a := fails(f, d, at)
				a.Disable = "5 days of failures"
				return a
			}, func() {}},
		} {
			id := names("a", 10)[i]
			record(t, s, step.make(oweOne(t, s, f, id, domain.LeadID(id), crm)))
			step.expect()
			require.Equal(t, want, endpointState(t, s, crm), step.why)
			got, err := s.Due(t.Context(), endpoint(crm), at, 10)
			require.NoError(t, err)
			require.Equal(t, want.Reason, got.State.Reason, "who reads the queue reads it along")
			at = at.Add(time.Minute)
		}
		require.Equal(t, domain.EndpointState{Key: endpoint(warehouse)}, endpointState(t, s, warehouse))
	})

	// A receipt tells what a foreign server said, and that may be anything. It is recorded all the same: a delivery
	// whose attempt cannot be recorded would be sent for ever.
	t.Run("AnOddAnswerIsRecorded", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		a := fails(f, oweOne(t, s, f, "a-1", "ghl-ada", crm), noon)
		a.Receipt.Reason, a.Disable = "503 \xff\x00 «no»", "410 \xfe\x00"
		a.Receipt.Header = domain.Header{"Server": {"caf\xe9"}}
		record(t, s, a)
		require.Contains(t, delivery(t, s, a.Delivery).Reason, "«no»")
		require.Contains(t, receipts(t, s, a.Delivery)[0].Reason, "«no»")
		require.Contains(t, endpointState(t, s, crm).Reason, "410")
	})

	for _, row := range []struct {
		why  string
		spot func(*domain.Attempted)
	}{
		{"a state nobody knows", func(a *domain.Attempted) { a.State = "sold" }},
		{"pending, and never again", func(a *domain.Attempted) { a.NextAt = time.Time{} }},
		{"pending, and no attempt", func(a *domain.Attempted) { a.Receipt.Number = 0 }},
		{"a class nobody knows", func(a *domain.Attempted) { a.Class = domain.Classes }},
		{"a body that is no excerpt", func(a *domain.Attempted) { a.Receipt.Body = make([]byte, domain.MaxExcerpt+1) }},
		{"no time", func(a *domain.Attempted) { a.Receipt.At = time.Time{} }},
		{"an announcement that is no text", func(a *domain.Attempted) {
			a.Announce = []domain.Announcement{{ID: "x", Account: account, Type: domain.EndpointFailingEvent, Lead: "endpoint-crm", Payload: []byte("\"\xff\"")}}
		}},
		{"a NUL in the endpoint's id", func(a *domain.Attempted) { a.Key.Endpoint = "crm\x00" }},
	} {
		t.Run("IsInvalid/"+row.why, func(t *testing.T) {
			t.Parallel()
			s := h.Open(t, Options{}).Store
			f := claim(t, s)
			d := oweOne(t, s, f, "a-1", "ghl-ada", crm)
			a := fails(f, d, noon)
			row.spot(&a)
			_, err := s.RecordAttempt(t.Context(), a)
			require.Equal(t, domain.Invalid, domain.CodeOf(err), "%v", err)
			require.Equal(t, bare(d), delivery(t, s, d.N))
		})
	}

	t.Run("AClosedStoreIsUnavailable", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		d := oweOne(t, s, f, "a-1", "ghl-ada", crm)
		require.NoError(t, s.Close())
		ctx, key := t.Context(), endpoint(crm)
		for name, call := range map[string]func(context.Context) error{
			"RecordAttempt": func(ctx context.Context) error { _, err := s.RecordAttempt(ctx, fails(f, d, noon)); return err },
			"KeepTest": func(ctx context.Context) error {
				a, r := tried("t-1", crm, noon, "")
				_, err := s.KeepTest(ctx, a, r, audit("t"))
				return err
			},
			"Due":      func(ctx context.Context) error { _, err := s.Due(ctx, key, noon, 1); return err },
			"Owing":    func(ctx context.Context) error { _, err := s.Owing(ctx, []domain.Partition{7}, 0, 1); return err },
			"Delivery": func(ctx context.Context) error { _, err := s.Delivery(ctx, account, d.N); return err },
			"Deliveries": func(ctx context.Context) error {
				_, err := s.Deliveries(ctx, account, domain.DeliveryFilter{}, 0, 1)
				return err
			},
			"Receipts":       func(ctx context.Context) error { _, err := s.Receipts(ctx, account, d.N, 1); return err },
			"Queue":          func(ctx context.Context) error { _, err := s.Queue(ctx, key); return err },
			"EndpointState":  func(ctx context.Context) error { _, err := s.EndpointState(ctx, key); return err },
			"Replay":         func(ctx context.Context) error { _, err := s.Replay(ctx, account, d.N, noon, audit("r")); return err },
			"Hasten":         func(ctx context.Context) error { _, err := s.Hasten(ctx, account, d.N, noon, audit("h")); return err },
			"Cancel":         func(ctx context.Context) error { _, err := s.Cancel(ctx, account, d.N, noon, audit("c")); return err },
			"EnableEndpoint": func(ctx context.Context) error { return s.EnableEndpoint(ctx, key, audit("e")) },
			"Secrets":        func(ctx context.Context) error { _, err := s.Secrets(ctx, key); return err },
			"PutSecrets":     func(ctx context.Context) error { return s.PutSecrets(ctx, key, nil, nil, audit("s")) },
			"AllSecrets":     func(ctx context.Context) error { _, err := s.AllSecrets(ctx); return err },
		} {
			require.Equal(t, domain.Unavailable, domain.CodeOf(call(ctx)), name)
		}
	})
}
