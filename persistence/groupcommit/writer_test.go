package groupcommit

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is a writer over a commit that the test holds in its hands.
type store struct {
	*Writer[string, int]
	mu      sync.Mutex
	batches [][]string
	entered chan struct{} // one for every commit that begins
	gate    chan struct{} // every commit takes one to go on; closed: all go on
	fail    func(ops []string) error
}

// newStore starts a writer whose commits wait at the gate.
func newStore(t *testing.T, cfg Config, deps Deps, fail func([]string) error) *store {
	t.Helper()
	s := &store{entered: make(chan struct{}, 1000), gate: make(chan struct{}), fail: fail}
	cfg.Outcomes = map[string][]string{"op": {"ok"}}
	w, err := New(cfg, deps, Work[string, int]{
		Commit: s.commit,
		Size:   func(op string) int { return len(op) },
		Kind:   func(string) string { return "op" },
	})
	require.NoError(t, err)
	s.Writer = w
	t.Cleanup(func() { s.open(); w.Close() })
	return s
}

func (s *store) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.gate:
	default:
		close(s.gate)
	}
}

// commit answers every operation with its length.
func (s *store) commit(_ context.Context, ops []string) ([]Result[int], error) {
	s.entered <- struct{}{}
	<-s.gate
	s.mu.Lock()
	s.batches = append(s.batches, slices.Clone(ops))
	s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(ops); err != nil {
			return nil, err
		}
	}
	results := make([]Result[int], len(ops))
	for i, op := range ops {
		results[i].Value = len(op)
	}
	return results, nil
}

type answer struct {
	op  string
	n   int
	err error
}

// behind lets the first operation stand in its commit and queues the others one after the other, so
// that they are the next batch, in this order.
func (s *store) behind(t *testing.T, first string, others ...string) <-chan answer {
	t.Helper()
	answers := make(chan answer, len(others)+1)
	do := func(op string) { n, err := s.Do(t.Context(), op); answers <- answer{op, n, err} }
	go do(first)
	<-s.entered
	for i, op := range others {
		go do(op)
		s.queued(t, i+1)
	}
	return answers
}

// queued waits until n operations wait.
func (s *store) queued(t *testing.T, n int) {
	t.Helper()
	for {
		s.Writer.mu.Lock()
		got := len(s.queue)
		s.Writer.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal("never queued")
		default:
			runtime.Gosched()
		}
	}
}

func collect(answers <-chan answer, n int) map[string]answer {
	all := map[string]answer{}
	for range n {
		a := <-answers
		all[a.op] = a
	}
	return all
}

// While one commit is in flight the next batch gathers, whole and in order, and everybody gets their own.
func TestWriter_GathersWhileACommitIsInFlight(t *testing.T) {
	t.Parallel()
	s := newStore(t, Config{}, Deps{}, nil)
	answers := s.behind(t, "a", "bb", "ccc", "dddd")
	s.open()
	for op, a := range collect(answers, 4) {
		require.NoError(t, a.err)
		require.Equal(t, len(op), a.n)
	}
	require.Equal(t, [][]string{{"a"}, {"bb", "ccc", "dddd"}}, s.batches)
}

// Commits begin no closer together than Spacing, so that more gathers. Nothing waits that comes later than that,
// nor when a whole batch is there or the writer closes.
func TestWriter_Spacing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Config{Spacing: 2 * time.Millisecond, MaxOps: 3}, Deps{}, nil)
		began := time.Now()
		answers := s.behind(t, "alone", "a", "b", "c", "d")
		s.open()
		synctest.Wait()
		require.Zero(t, time.Since(began))
		require.Equal(t, [][]string{{"alone"}, {"a", "b", "c"}}, s.batches, "the first has nobody before it, the second is whole")

		time.Sleep(time.Millisecond)
		_, err := s.Do(t.Context(), "e")
		require.NoError(t, err)
		require.Equal(t, 2*time.Millisecond, time.Since(began))
		require.Equal(t, []string{"d", "e"}, s.batches[2])

		time.Sleep(time.Hour)
		late := time.Now()
		_, err = s.Do(t.Context(), "late")
		require.NoError(t, err)
		require.Equal(t, late, time.Now())
		collect(answers, 5)
	})
}

// A batch has a limit in operations and in bytes; what is left over is the next one.
func TestWriter_BatchLimits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why  string
		cfg  Config
		want [][]string
	}{
		{"by operations", Config{MaxOps: 2}, [][]string{{"first"}, {"aaa", "bbb"}, {"ccc", "ddd"}, {"eee"}}},
		{"by bytes", Config{MaxBytes: 8}, [][]string{{"first"}, {"aaa", "bbb"}, {"ccc", "ddd"}, {"eee"}}},
		{"an operation as large as a batch", Config{MaxBytes: 5}, [][]string{{"first"}, {"aaa"}, {"bbb"}, {"ccc"}, {"ddd"}, {"eee"}}},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, row.cfg, Deps{}, nil)
			answers := s.behind(t, "first", "aaa", "bbb", "ccc", "ddd", "eee")
			s.open()
			collect(answers, 6)
			require.Equal(t, row.want, s.batches)
		})
	}
}

// At the queue's limit the answer comes at once, and room that is freed is used again.
func TestWriter_QueueLimits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why string
		cfg Config
	}{
		{"by operations", Config{QueueOps: 2}},
		{"by bytes", Config{QueueBytes: 7, MaxBytes: 7}},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, row.cfg, Deps{}, nil)
			answers := s.behind(t, "aaa", "bbb", "ccc")
			_, err := s.Do(t.Context(), "ddd")
			require.Equal(t, domain.Unavailable, domain.CodeOf(err))
			require.ErrorIs(t, err, errFull)
			s.open()
			collect(answers, 3)
			_, err = s.Do(t.Context(), "ddd")
			require.NoError(t, err)
		})
	}
}

// What could never fit into a batch is the caller's mistake, and is told so.
func TestWriter_TooLargeIsInvalid(t *testing.T) {
	t.Parallel()
	s := newStore(t, Config{MaxBytes: 10}, Deps{}, nil)
	_, err := s.Do(t.Context(), strings.Repeat("x", 11))
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
}

// The poisoned stand alone; their neighbours are committed.
func TestWriter_PoisonStandsAlone(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why  string
		fail func() error
		code domain.Code
	}{
		{"refused as invalid", func() error { return domain.Fail("commit", domain.Invalid, errors.New("poison")) }, domain.Invalid},
		{"panicking", func() error { panic("poison") }, domain.Internal},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, Config{}, Deps{}, func(ops []string) error {
				if slices.ContainsFunc(ops, func(op string) bool { return strings.HasPrefix(op, "bad") }) {
					return row.fail()
				}
				return nil
			})
			answers := s.behind(t, "first", "a", "b", "bad1", "c", "d", "bad2", "e")
			s.open()
			for op, a := range collect(answers, 8) {
				if strings.HasPrefix(op, "bad") {
					require.Equal(t, row.code, domain.CodeOf(a.err), op)
				} else {
					require.NoError(t, a.err, op)
				}
			}
		})
	}
}

// Trouble of the store is everybody's: halving would only ask a broken store more often.
func TestWriter_UnavailableGoesToAll(t *testing.T) {
	t.Parallel()
	down := domain.Fail("commit", domain.Unavailable, errors.New("connection lost"))
	s := newStore(t, Config{}, Deps{}, func(ops []string) error {
		if len(ops) > 1 {
			return down
		}
		return nil
	})
	answers := s.behind(t, "first", "a", "b", "c")
	s.open()
	for op, a := range collect(answers, 4) {
		if op != "first" {
			require.ErrorIs(t, a.err, down)
		}
	}
	require.Len(t, s.batches, 2)
}

// A store that answers the wrong number of results has lost somebody; nobody waits for ever.
func TestWriter_WrongNumberOfResults(t *testing.T) {
	t.Parallel()
	w, err := New(Config{}, Deps{}, Work[string, int]{
		Commit: func(context.Context, []string) ([]Result[int], error) { return nil, nil },
		Size:   func(string) int { return 1 },
		Kind:   func(string) string { return "op" },
	})
	require.NoError(t, err)
	defer w.Close()
	_, err = w.Do(t.Context(), "a")
	require.Equal(t, domain.Internal, domain.CodeOf(err))
}

// A caller that gives up when a commit has its operation is told that it does not know; it is committed all the same,
// and its late answer reaches nobody else.
func TestWriter_GivingUpDuringTheCommitDoesNotWithdraw(t *testing.T) {
	t.Parallel()
	s := newStore(t, Config{}, Deps{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	go func() { _, err := s.Do(ctx, "impatient"); gaveUp <- err }()
	<-s.entered
	cancel()
	err := <-gaveUp
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorIs(t, err, errUnknown)
	require.ErrorIs(t, err, context.Canceled)
	s.open()
	for _, op := range []string{"a", "bb", "ccc"} {
		n, err := s.Do(t.Context(), op)
		require.NoError(t, err)
		require.Equal(t, len(op), n)
	}
	require.Equal(t, []string{"impatient"}, s.batches[0])
	_, err = s.Do(ctx, "never queued")
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.NotErrorIs(t, err, errUnknown, "it was over before it began, so the outcome is known")
	require.Len(t, s.batches, 4)
}

// Close finishes what was accepted and refuses what comes later.
func TestWriter_Close(t *testing.T) {
	t.Parallel()
	s := newStore(t, Config{}, Deps{}, nil)
	answers := s.behind(t, "first", "a", "b")
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	s.open()
	for _, a := range collect(answers, 3) {
		require.NoError(t, a.err)
	}
	<-closed
	s.Close()
	_, err := s.Do(t.Context(), "late")
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorIs(t, err, errClosed)
}

// Many callers, small limits: nobody is lost, nobody gets somebody else's answer.
func TestWriter_ManyCallers(t *testing.T) {
	t.Parallel()
	s := newStore(t, Config{MaxOps: 7}, Deps{}, nil)
	s.open()
	go func() {
		for range s.entered { // commits announce themselves, and nobody here waits for one
			continue
		}
	}()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			for range 200 {
				n, err := s.Do(t.Context(), strings.Repeat("x", i))
				if err != nil || n != i {
					t.Errorf("caller %d got %d %v", i, n, err)
					return
				}
			}
		})
	}
	wg.Wait()
	s.Close()
	close(s.entered)
}

func TestConfig_Refuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		field string
		cfg   Config
	}{
		{"max_ops", Config{MaxOps: -1}},
		{"max_bytes", Config{MaxBytes: -1}},
		{"queue_ops", Config{QueueOps: -1}},
		{"queue_bytes", Config{QueueBytes: 10, MaxBytes: 11}},
	} {
		_, err := New(row.cfg, Deps{}, Work[int, int]{})
		var e *domain.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, row.field, e.Field)
	}
}

// What the writer itself costs an operation, without a store.
func BenchmarkDo(b *testing.B) {
	results := make([]Result[int], 512)
	w, err := New(Config{}, Deps{}, Work[int, int]{
		Commit: func(_ context.Context, ops []int) ([]Result[int], error) { return results[:len(ops)], nil },
		Size:   func(int) int { return 1 },
		Kind:   func(int) string { return "op" },
	})
	require.NoError(b, err)
	defer w.Close()
	b.ReportAllocs()
	b.SetParallelism(500)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.Do(b.Context(), 1); err != nil {
				b.Error(err)
			}
		}
	})
}
