package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// inFlight sends a commit and leaves it open: it stands between its last statement and its end.
func inFlight(t *testing.T, url string, ops ...op) (pgx.Tx, *batch) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	b := &batch{id: rand.Int64(), ops: ops, results: make([]result, len(ops))}
	for i := range ops {
		b.todo = append(b.todo, i)
	}
	p := newPipeline(b, func(string) error { return nil })
	require.NoError(t, tx.SendBatch(t.Context(), &p.sent).Close())
	p.answer()
	return tx, b
}

// requireWaits starts a call, and insists that it waits for a lock of somebody who touches endpoints.
func requireWaits(t *testing.T, s *Store, call func() error) (done <-chan error) {
	t.Helper()
	answer := make(chan error, 1)
	go func() { answer <- call() }()
	require.Eventually(t, func() bool {
		if len(answer) > 0 {
			t.Error("it did not wait")
			return true
		}
		return count(t, s, `SELECT count(*) FROM pg_locks l JOIN pg_locks h ON h.pid = l.pid AND h.relation = 'endpoints'::regclass WHERE NOT l.granted`) > 0
	}, 10*time.Second, time.Millisecond)
	return answer
}

// A lead's actor owes something while the endpoint's actor, on another node, ends the one before it. Neither sees what
// the other has not committed. If they did not take turns, what is owed would be behind one that has ended.
func TestNodes_OweAndEndTakeTurns(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		who string
		run func(t *testing.T, url string, s *Store, f, g domain.Fence, head domain.Delivery)
	}{
		{"the end comes while it is owed", func(t *testing.T, url string, s *Store, f, g domain.Fence, head domain.Delivery) {
			e, d := owing(f, "second", "l", noon, "crm")
			tx, b := inFlight(t, url, op{receive: &receiveOp{fence: f, event: e, key: keyOf(e)}, decide: &d})
			second := b.results[0].Value.decided.Announced[0].Deliveries[0]
			require.True(t, second.Behind)
			var got domain.AttemptRecorded
			done := requireWaits(t, s, func() (err error) { got, err = s.RecordAttempt(t.Context(), arriving(g, head, noon)); return err })
			require.NoError(t, tx.Commit(t.Context()))
			require.NoError(t, <-done)
			require.Equal(t, domain.AttemptRecorded{Outcome: domain.Done, Next: second.N}, got)
		}},
		{"it is owed while the end comes", func(t *testing.T, url string, s *Store, f, g domain.Fence, head domain.Delivery) {
			made, err := newAttempt("record attempt", arriving(g, head, noon))
			require.NoError(t, err)
			tx, b := inFlight(t, url, op{attempt: made})
			require.Equal(t, domain.Done, b.results[0].Value.attempted.Outcome)
			e, d := owing(f, "second", "l", noon, "crm")
			var got domain.Admitted
			done := requireWaits(t, s, func() (err error) { got, err = s.Admit(t.Context(), f, e, d); return err })
			require.NoError(t, tx.Commit(t.Context()))
			require.NoError(t, <-done)
			require.False(t, got.Decided.Announced[0].Deliveries[0].Behind)
		}},
		{"it is cancelled while it is owed", func(t *testing.T, url string, s *Store, f, _ domain.Fence, head domain.Delivery) {
			e, d := owing(f, "second", "l", noon, "crm")
			tx, _ := inFlight(t, url, op{receive: &receiveOp{fence: f, event: e, key: keyOf(e)}, decide: &d})
			done := requireWaits(t, s, func() error {
				_, err := s.Cancel(t.Context(), "acme", head.N, noon, domain.AuditEntry{Action: "cancel"})
				return err
			})
			require.NoError(t, tx.Commit(t.Context()))
			require.NoError(t, <-done)
		}},
	} {
		t.Run(row.who, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Fresh(t)
			s := open(t, url, Options{Clock: at(noon)})
			fences := claim(t, s, "node", 7, 8)
			f, g := fences[0], fences[1]
			head := owe(t, s, f, "first", "l", noon, "crm")[0]
			row.run(t, url, s, f, g, head)
			requireLines(t, s)
			require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM pending_deliveries WHERE NOT behind AND due_at IS NOT NULL`))
		})
	}
}

// Three nodes owe, record, replay and cancel deliveries of the same few leads and endpoints, in random order, and one of
// the leads is erased meanwhile. Nobody deadlocks, and every line has one head.
func TestNodes_LinesStayInOrder(t *testing.T) {
	t.Parallel()
	const nodes, callers, rounds = 3, 8, 25
	url := pgtest.Fresh(t)
	var stores []*Store
	for range nodes {
		stores = append(stores, open(t, url, Options{}))
	}
	fences := claim(t, stores[0], "all", 1, 2, 3)
	endpoints := []domain.EndpointID{"crm", "erp", "warehouse"}
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for n, s := range stores {
		for c := range callers {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(n), uint64(c)))
				for i := range rounds {
					err := oweAndEnd(t.Context(), s, fences, fmt.Sprintf("a-%d-%d-%d", n, c, i), endpoints, random)
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			})
		}
	}
	wg.Go(func() { // somebody is erased, again and again
		for range 5 {
			_, err := stores[0].Erase(t.Context(), domain.Erasure{Account: "acme", Leads: []domain.LeadID{"l-0"}, Audit: domain.AuditEntry{Action: "erase"}})
			mu.Lock()
			errs = append(errs, err)
			mu.Unlock()
		}
	})
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	for i, s := range stores {
		require.Zero(t, value(t, s.metrics.retries.WithLabelValues(retryRollback)), "deadlocks and the like on node %d", i)
	}
	requireLines(t, stores[0])
	require.Positive(t, count(t, stores[0], `SELECT count(*) FROM pending_deliveries WHERE behind`))
	require.Positive(t, count(t, stores[0], `SELECT count(*) FROM deliveries WHERE state = 1`))
	require.Zero(t, count(t, stores[0], `SELECT count(*) FROM deliveries d JOIN pending_deliveries p ON p.n = d.n`), "deliveries in both tables")
}

// oweAndEnd owes one announcement to all endpoints, and then does something to what is due at one of them.
func oweAndEnd(ctx context.Context, s *Store, fences []domain.Fence, id string, endpoints []domain.EndpointID, random *rand.Rand) error {
	pick := func() domain.Fence { return fences[random.IntN(len(fences))] }
	e, d := owing(pick(), id, domain.LeadID(fmt.Sprint("l-", random.IntN(3))), noon, endpoints...)
	if _, err := s.Admit(ctx, d.Fence, e, d); err != nil {
		return err
	}
	due, err := s.Due(ctx, domain.EndpointKey{Account: "acme", Endpoint: endpoints[random.IntN(len(endpoints))]}, noon.Add(time.Hour), 10)
	if err != nil || len(due.Deliveries) == 0 {
		return err
	}
	one, audit := due.Deliveries[random.IntN(len(due.Deliveries))], domain.AuditEntry{Action: "steer"}
	switch random.IntN(5) {
	case 0:
		_, err = s.RecordAttempt(ctx, failing(pick(), one, noon))
	case 1:
		_, err = s.Cancel(ctx, "acme", one.N, noon, audit)
	case 2:
		_, err = s.Replay(ctx, "acme", one.N, noon, audit)
	default:
		_, err = s.RecordAttempt(ctx, arriving(pick(), one, noon))
	}
	if code := domain.CodeOf(err); code == domain.Conflict || code == domain.NotFound { // somebody was first, or it was erased
		return nil
	}
	return err
}

// An attempt is being recorded while its person is erased: its receipt goes too, although the erasure did not see it when
// it began.
func TestErase_TakesAReceiptThatIsOnItsWay(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	s := open(t, url, Options{Clock: at(noon)})
	f := claim(t, s, "node", 7)[0]
	d, other := owe(t, s, f, "hers", "l-ada", noon, "crm")[0], owe(t, s, f, "his", "l-bob", noon, "crm")[0]
	tx, _ := inFlight(t, url, attempted(t, failing(f, d, noon)), attempted(t, failing(f, other, noon)))
	done := requireWaits(t, s, func() error {
		_, err := s.Erase(t.Context(), domain.Erasure{Account: "acme", Leads: []domain.LeadID{"l-ada"}, Audit: domain.AuditEntry{Action: "erase"}})
		return err
	})
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-done)
	require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM receipts`))
	require.Equal(t, 1, deliveryOf(t, s, other.N).Attempts)
	got, err := s.RecordAttempt(t.Context(), arriving(f, d, noon))
	require.NoError(t, err)
	require.Equal(t, domain.AlreadyDecided, got.Outcome)
}
