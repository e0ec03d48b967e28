package actors_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
)

// What somebody waits for is written before they have gone or not at all; what was acked is owed, however long it takes.
func TestPatience_BoundsWhatIsKeptForSomebody(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog("ann")), actortest.WithGraph(actortest.NewGraph(ada)))
	soon, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	within := func(until time.Time) context.Context {
		ctx, cancel := context.WithDeadline(t.Context(), until)
		t.Cleanup(cancel)
		return ctx
	}
	_, err := node.Runtime.Ingest(within(late), actortest.Contact("e1", "lead-1"))
	require.NoError(t, err)
	require.True(t, late.Equal(node.Store.Until("Admit")))
	_, err = node.Runtime.Ingest(within(soon), actortest.Contact("e2", "lead-1"))
	require.NoError(t, err)
	require.True(t, late.Equal(node.Store.Until("Admit")), "whoever is more patient may wait still")

	node.Store.Fail("Decide", 1, actortest.ErrDown)
	_, err = node.Runtime.Ingest(within(soon), actortest.Contact("e3", "lead-3"))
	require.NoError(t, err)
	node.Advance(time.Second)
	require.Zero(t, node.Store.Until("Decide"), "its source has its 2xx")
	require.Len(t, node.Feed("ann"), 3)

	_, err = node.Runtime.Hits(within(soon), []domain.Hit{actortest.View("a")})
	require.NoError(t, err)
	require.True(t, soon.Equal(node.Store.Until("Observe")))
}

// A write that was passed over because its source had gone is an error like any other: nothing is remembered of it, and the
// event is kept when it comes again.
func TestPatience_AnEventThatWasPassedOverComesAgain(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog("ann")))
	gone := domain.Fail("wait for commit", domain.Unavailable, context.DeadlineExceeded)
	node.Store.Fail("Admit", 1, gone)
	_, err := node.Ingest(actortest.Contact("e1", "lead-1"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	node.Keep(actortest.Contact("e1", "lead-1"))
	require.Len(t, node.Feed("ann"), 1)
	node.Store.Fail("Observe", 1, gone)
	_, err = node.Hit(actortest.View("a"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	node.See(actortest.View("a"), actortest.View("b"))
	require.EqualValues(t, 2, node.Visit(actortest.Visitor).Views)
}

// Whoever the slow tier turns out to know is written however long ago the page had its answer: nobody sends that again.
func TestPatience_DoesNotBoundALateAnswer(t *testing.T) {
	t.Parallel()
	tier := actortest.NewTier(actortest.NewGraph(ada))
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithTier(tier))
	_, err := node.Hit(actortest.Identify("a", "ada@example.com"))
	require.NoError(t, err)
	require.NotZero(t, node.Store.Until("Observe"))
	tier.Open()
	node.Settle()
	require.Equal(t, domain.PersonID("ada"), node.Visit(actortest.Visitor).Person)
	require.Zero(t, node.Store.Until("Observe"))
}
