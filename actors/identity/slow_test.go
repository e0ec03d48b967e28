package identity_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// knows answers with the person of the strongest key that is in the book.
func knows(l links) func(context.Context, []domain.Key) (identity.Known, error) {
	return func(_ context.Context, keys []domain.Key) (identity.Known, error) {
		for _, k := range keys {
			if p, ok := l[k]; ok {
				return identity.Known{Found: true, Person: domain.Person{ID: p}, By: k}, nil
			}
		}
		return identity.Known{}, nil
	}
}

// stuck answers when it is let go.
type stuck struct {
	tier
	began chan struct{}
	let   chan struct{}
}

func newStuck(answer func(context.Context, []domain.Key) (identity.Known, error)) *stuck {
	s := &stuck{began: make(chan struct{}, 100), let: make(chan struct{})}
	s.answer = func(ctx context.Context, keys []domain.Key) (identity.Known, error) {
		s.began <- struct{}{}
		<-s.let
		return answer(ctx, keys)
	}
	return s
}

func TestSlow_RemembersWhomItKnowsAndWhomNot(t *testing.T) {
	t.Parallel()
	db := &tier{answer: knows(links{sha(jane): "a"})}
	clock := newClock()
	s := identity.NewSlow(db, identity.SlowConfig{NegativeTTL: time.Minute, PersonTTL: time.Hour}, clock, nil)
	ask := func(keys ...domain.Key) identity.Known {
		known, err := s.Lookup(t.Context(), keys)
		require.NoError(t, err)
		return known
	}
	require.Equal(t, domain.PersonID("a"), ask(visitorKey, sha(jane)).Person.ID)
	require.Equal(t, domain.PersonID("a"), ask(sha(jane)).Person.ID)
	require.Equal(t, 1, db.calls(), "the second time from memory")
	require.False(t, ask(sha(joan)).Found)
	require.False(t, ask(sha(joan)).Found)
	require.Equal(t, 2, db.calls(), "that nobody knows it is remembered too")
	require.False(t, ask(sha(joan), phoneKey).Found)
	require.Equal(t, []domain.Key{phoneKey}, db.asked[2], "only for what it was not asked for lately")
	clock.advance(time.Minute)
	require.False(t, ask(sha(joan)).Found)
	require.Equal(t, 4, db.calls(), "and not for ever")
	clock.advance(time.Hour)
	_, ok := s.Remembered("a")
	require.False(t, ok, "nor is a person")
	require.True(t, ask(sha(jane)).Found)
	require.Equal(t, 5, db.calls())
}

// Many who ask for the same keys share one lookup, and one of them who leaves does not end it.
func TestSlow_Coalesces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		db := &tier{answer: func(ctx context.Context, keys []domain.Key) (identity.Known, error) {
			<-let
			return knows(links{sha(jane): "a"})(ctx, keys)
		}}
		s := identity.NewSlow(db, identity.SlowConfig{}, domain.SystemClock{}, nil)
		first, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { _, err := s.Lookup(first, []domain.Key{sha(jane)}); left <- err }()
		found := make(chan domain.PersonID, 10)
		for range 10 {
			go func() {
				known, _ := s.Lookup(context.Background(), []domain.Key{sha(jane)})
				found <- known.Person.ID
			}()
		}
		synctest.Wait()
		leave()
		require.Equal(t, domain.Unavailable, domain.CodeOf(<-left))
		close(let)
		for range 10 {
			require.Equal(t, domain.PersonID("a"), <-found)
		}
		require.Equal(t, 1, db.calls())
	})
}

// A tier that hangs costs whoever asks the deadline and no more; what it says later is not lost.
func TestSlow_KeepsItsDeadline(t *testing.T) {
	t.Parallel()
	db, clock := newStuck(knows(links{sha(jane): "a"})), newClock()
	s := identity.NewSlow(db, identity.SlowConfig{Deadline: 300 * time.Millisecond}, clock, nil)
	answer := make(chan error)
	go func() { _, err := s.Lookup(context.Background(), []domain.Key{sha(jane)}); answer <- err }()
	<-db.began
	clock.advance(300*time.Millisecond - 1)
	select {
	case err := <-answer:
		t.Fatalf("answered before its time: %v", err)
	default:
	}
	clock.advance(1)
	require.Equal(t, domain.Unavailable, domain.CodeOf(<-answer))
	close(db.let)
	require.Eventually(t, func() bool { _, ok := s.Remembered("a"); return ok }, 5*time.Second, time.Millisecond)
}

// While every turn is taken by keys that hang, what is remembered is answered at once, the queue takes its
// share, and the rest is refused.
func TestSlow_AColdKeyNeverDelaysAWarmOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		db := &tier{answer: func(ctx context.Context, keys []domain.Key) (identity.Known, error) {
			if keys[0].Kind == domain.KeyVisitor {
				<-hang
			}
			return knows(links{sha(jane): "a"})(ctx, keys)
		}}
		reg := prometheus.NewRegistry()
		s := identity.NewSlow(db, identity.SlowConfig{Concurrency: 2, Queue: 1, Deadline: time.Hour}, domain.SystemClock{}, reg)
		_, err := s.Lookup(t.Context(), []domain.Key{sha(jane)})
		require.NoError(t, err)
		for n := range 3 {
			go func() { _, _ = s.Lookup(context.Background(), []domain.Key{visitor(n)}) }()
		}
		synctest.Wait()
		require.Equal(t, 3, db.calls(), "one before, two take the turns, one waits")
		known, err := s.Lookup(t.Context(), []domain.Key{sha(jane)})
		require.NoError(t, err)
		require.True(t, known.Found)
		_, err = s.Lookup(t.Context(), []domain.Key{visitor(9)})
		require.Equal(t, domain.Unavailable, domain.CodeOf(err))
		require.Equal(t, 1.0, metric(t, reg, "leadwire_slow_tier_lookups_total")["refused"])
		require.Equal(t, 3.0, metric(t, reg, "leadwire_slow_tier_lookups")[""])
		require.Equal(t, 3.0, metric(t, reg, "leadwire_slow_tier_lookups_max")[""])
		close(hang)
		synctest.Wait()
		require.Equal(t, 4, db.calls(), "whoever waited had its turn")
		require.Zero(t, metric(t, reg, "leadwire_slow_tier_lookups")[""])
	})
}

// An error is nobody's answer: it is not remembered, and the next may ask again.
func TestSlow_AnErrorIsNotRemembered(t *testing.T) {
	t.Parallel()
	down := true
	db := &tier{answer: func(ctx context.Context, keys []domain.Key) (identity.Known, error) {
		if down {
			return identity.Known{}, errors.New("connection refused")
		}
		return knows(links{sha(jane): "a"})(ctx, keys)
	}}
	s := identity.NewSlow(db, identity.SlowConfig{}, newClock(), nil)
	_, err := s.Lookup(t.Context(), []domain.Key{sha(jane)})
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "connection refused")
	down = false
	known, err := s.Lookup(t.Context(), []domain.Key{sha(jane)})
	require.NoError(t, err)
	require.True(t, known.Found)
}

// An id that could not stand in a lead's, or that is one of ours, is no answer.
func TestSlow_RefusesAnIDThatIsNone(t *testing.T) {
	t.Parallel()
	for _, id := range []domain.PersonID{"", "a/b", "hem-1", "lead-ghl-1"} {
		s := identity.NewSlow(&tier{answer: knows(links{sha(jane): id})}, identity.SlowConfig{}, newClock(), nil)
		_, err := s.Lookup(t.Context(), []domain.Key{sha(jane)})
		require.ErrorContains(t, err, "check person", "%q", id)
		_, ok := s.Remembered(id)
		require.False(t, ok)
	}
	require.NoError(t, identity.CheckPerson("lead"))
}

// Whoever is forgotten is forgotten also by what was on its way.
func TestSlow_Forgets(t *testing.T) {
	t.Parallel()
	db := newStuck(knows(links{sha(jane): "a", sha(joan): "b"}))
	s := identity.NewSlow(db, identity.SlowConfig{}, newClock(), nil)
	answer := make(chan error)
	go func() { _, err := s.Lookup(context.Background(), []domain.Key{sha(jane)}); answer <- err }()
	<-db.began
	s.Forget([]domain.Key{sha(jane)}, nil)
	close(db.let)
	require.Equal(t, domain.Unavailable, domain.CodeOf(<-answer))
	_, ok := s.Remembered("a")
	require.False(t, ok)

	for _, email := range []string{jane, joan} {
		_, err := s.Lookup(t.Context(), []domain.Key{sha(email)})
		require.NoError(t, err)
	}
	s.Forget([]domain.Key{sha(jane)}, []domain.PersonID{"b"})
	for _, p := range []domain.PersonID{"a", "b"} {
		_, ok := s.Remembered(p)
		require.False(t, ok, "%s, by its key or by its id", p)
	}
	calls := db.calls()
	_, err := s.Lookup(t.Context(), []domain.Key{sha(joan)})
	require.NoError(t, err)
	require.Equal(t, calls+1, db.calls(), "the next who asks is told anew")
}

// What is remembered has its limits: of people the least recently used goes, of unknown keys the oldest.
func TestSlow_IsBounded(t *testing.T) {
	t.Parallel()
	book := links{}
	for n := range 5 {
		book[visitor(n)] = domain.PersonID(fmt.Sprint("p", n))
	}
	reg := prometheus.NewRegistry()
	db := &tier{answer: knows(book)}
	s := identity.NewSlow(db, identity.SlowConfig{PersonMax: 3, NegativeMax: 3}, newClock(), reg)
	ask := func(n int) {
		_, err := s.Lookup(t.Context(), []domain.Key{visitor(n)})
		require.NoError(t, err)
	}
	for _, n := range []int{0, 1, 2, 0, 3} {
		ask(n)
	}
	for n, want := range []bool{true, false, true, true} {
		_, ok := s.Remembered(domain.PersonID(fmt.Sprint("p", n)))
		require.Equal(t, want, ok, "p%d", n)
	}
	for _, n := range []int{10, 11, 12, 13} {
		ask(n)
	}
	calls := db.calls()
	ask(13)
	require.Equal(t, calls, db.calls())
	ask(10)
	require.Equal(t, calls+1, db.calls(), "the oldest went")
	for name, want := range map[string]float64{"people": 3, "people_max": 3, "unknown_keys": 3, "unknown_keys_max": 3} {
		require.Equal(t, want, metric(t, reg, "leadwire_slow_tier_"+name)[""], name)
	}
}
