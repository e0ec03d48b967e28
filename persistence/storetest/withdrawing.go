package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

func withdrawing(t *testing.T, h Harness) {
	// A node that is short of time must not spend it on what was answered 429 long ago.
	t.Run("WhatNobodyWaitsForIsNotWritten", func(t *testing.T) {
		t.Parallel()
		const n = 8
		var p trap
		s := h.Open(t, Options{Fail: p.fail, QueueOps: n}).Store
		f := claim(t, s)
		held, release := p.holdAt(h.Steps[0])
		defer release()
		ping := make(chan error, 1)
		go func() { ping <- s.Ping(t.Context()) }()
		<-held
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ids, errs := names("e", n+1), make(chan error, n+1)
		for _, id := range ids {
			go func() {
				_, err := s.Receive(ctx, f, event(id, domain.LeadID(id)))
				errs <- err
			}()
		}
		require.Equal(t, domain.Unavailable, domain.CodeOf(<-errs), "one finds the queue full: the others are in it")
		cancel()
		for range n {
			require.Equal(t, domain.Unavailable, domain.CodeOf(<-errs))
		}
		release()
		require.NoError(t, <-ping, "its neighbours are not concerned")
		require.Empty(t, undecided(t, s, false))
		for _, id := range ids {
			got, err := s.Receive(t.Context(), f, event(id, domain.LeadID(id)))
			require.NoError(t, err)
			require.False(t, got.Duplicate, "%s was written", id)
		}
	})

	t.Run("SaysHowLongAWriteWaits", func(t *testing.T) {
		t.Parallel()
		var p trap
		s := h.Open(t, Options{Fail: p.fail}).Store
		held, release := p.holdAt(h.Steps[0])
		defer release()
		ping := make(chan error, 1)
		go func() { ping <- s.Ping(t.Context()) }()
		<-held
		require.Positive(t, s.QueueWait(), "a commit is under way")
		release()
		require.NoError(t, <-ping)
		require.Eventually(t, func() bool { return s.QueueWait() == 0 }, 10*time.Second, time.Millisecond)
	})
}
