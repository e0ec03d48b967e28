package groupcommit

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// What nobody waits for any more when its batch is taken is not written, and whoever gave up knows.
func TestWriter_GivingUpInTheQueueWithdraws(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	s := newStore(t, Config{}, Deps{Registerer: registry}, nil)
	answers := s.behind(t, "first", "a")
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	go func() { _, err := s.Do(ctx, "impatient"); gaveUp <- err }()
	s.queued(t, 2)
	cancel()
	err := <-gaveUp
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorIs(t, err, errWithdrawn)
	require.ErrorIs(t, err, domain.ErrNotWritten)
	require.NotErrorIs(t, err, errUnknown)
	require.EqualValues(t, 1, value(t, registry, "leadwire_commit_queue_bytes"), "its body is let go of at once")
	s.open()
	collect(answers, 2)
	n, err := s.Do(t.Context(), "after")
	require.NoError(t, err)
	require.Equal(t, 5, n, "the answer is its own")
	require.Equal(t, [][]string{{"first"}, {"a"}, {"after"}}, s.batches)
	require.EqualValues(t, 1, operations(t, registry)["withdrawn"])
}

// While a commit hangs, those who have left do not keep their places from those who come.
func TestWriter_WhoHasLeftMakesRoom(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	s := newStore(t, Config{QueueOps: 2}, Deps{Registerer: registry}, nil)
	first := s.behind(t, "first")
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error, 2)
	for _, op := range []string{"a", "b"} {
		go func() { _, err := s.Do(ctx, op); gaveUp <- err }()
	}
	s.queued(t, 2)
	_, err := s.Do(t.Context(), "c")
	require.ErrorIs(t, err, errFull)
	cancel()
	for range 2 {
		require.ErrorIs(t, <-gaveUp, errWithdrawn)
	}
	stays := make(chan error, 1)
	go func() { _, err := s.Do(t.Context(), "d"); stays <- err }()
	require.Eventually(t, func() bool { // it alone waits, and nothing was committed meanwhile
		return value(t, registry, "leadwire_commit_queue_operations") == 1
	}, 10*time.Second, time.Millisecond)
	s.open()
	require.NoError(t, <-stays)
	collect(first, 1)
	require.Equal(t, [][]string{{"first"}, {"d"}}, s.batches)
	require.Zero(t, value(t, registry, "leadwire_commit_queue_operations"))
}

// A deadline counts from when it has passed, and not from when its caller gets the processor to notice. Those behind it move
// up, and a batch in which nobody is left is none.
func TestWriter_PassesOverWhatIsPastItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		s := newStore(t, Config{MaxOps: 2}, Deps{Registerer: registry}, nil)
		first := s.behind(t, "first")
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		deaf := deaf{late} // its end is known by its deadline alone
		for _, op := range []string{"b", "c", "d"} {
			go func() { _, err := s.Do(deaf, op); require.ErrorIs(t, err, errWithdrawn) }()
			synctest.Wait()
		}
		go func() { _, _ = s.Do(t.Context(), "e") }()
		synctest.Wait()
		time.Sleep(time.Second)
		s.open()
		synctest.Wait()
		require.Equal(t, [][]string{{"first"}, {"e"}}, s.batches)
		require.EqualValues(t, 3, operations(t, registry)["withdrawn"])
		require.Zero(t, value(t, registry, "leadwire_commit_queue_operations"))
		require.Zero(t, value(t, registry, "leadwire_commit_queue_bytes"))
		collect(first, 1)
	})
}

// deaf is a context whose end nobody has been told of yet.
type deaf struct{ context.Context }

func (deaf) Done() <-chan struct{} { return nil }
func (deaf) Err() error            { return nil }

// What is handed over now waits for the commit under way, and for as many others as the queue takes, each as long as the
// last ones took.
func TestWriter_SaysHowLongItsQueueIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Config{MaxOps: 2, MaxBytes: 10, QueueBytes: 100}, Deps{}, nil)
		require.Zero(t, s.Wait())
		first := s.behind(t, "first")
		require.Zero(t, s.Wait(), "nothing is known of how long a commit takes")
		time.Sleep(time.Second)
		require.Equal(t, time.Second, s.Wait(), "it is under way for a second already")
		time.Sleep(time.Second)
		s.gate <- struct{}{}
		synctest.Wait()
		collect(first, 1)
		require.Zero(t, s.Wait(), "nothing waits")

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, op := range []string{"a", "b", "c", "d", "e", "f"} {
			go func() { _, _ = s.Do(ctx, op) }()
			synctest.Wait()
		}
		require.Equal(t, 3*time.Second, s.Wait(), "six in three commits, each of 1 s: halfway between what was known and 2 s")
		go func() { _, _ = s.Do(t.Context(), "as a batch") }()
		go func() { _, _ = s.Do(t.Context(), "as another") }()
		synctest.Wait()
		require.Equal(t, 4*time.Second, s.Wait(), "eight in four")
		cancel()
		synctest.Wait()
		require.Equal(t, 2*time.Second, s.Wait(), "two by their bytes; who has gone does not count")
		s.open()
		synctest.Wait()
		require.Zero(t, s.Wait())
	})
}
