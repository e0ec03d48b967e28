package storetest

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func retentionOfVisits(t *testing.T, h Harness) {
	// Somebody who has not come by for more than a year is forgotten; who came back is not.
	t.Run("VisitsAndAcquaintancesGoByTheirLastChange", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		at := func(o domain.Observation, at time.Time) domain.Observation {
			o.Hits[0].ReceivedAt, o.Hits[0].OccurredAt, o.Visit.LastAt = at, at, at
			return o
		}
		for i, v := range []domain.VisitorID{visit1, visit2, "visitor-3"} {
			person := []domain.PersonID{ada, bob, "p-cyd"}[i]
			met := now
			if i == 2 {
				met = now.Add(300 * day)
			}
			o := at(meeting(t, s, f, hit(names("h", 3)[i], v), person), met)
			j := judgement(t, s, f, stored(o, observe(t, s, o))...)
			j.After.LastAt = met
			judge(t, s, j)
		}
		again := at(meeting(t, s, f, hit("h-again", visit2), bob), now.Add(300*day))
		again.Expect = 1
		got := observe(t, s, again)
		j := judgement(t, s, f, stored(again, got)...)
		j.Expect, j.After.LastAt = 1, now.Add(300*day)
		judge(t, s, j)

		maintain(t, s, now.Add(500*day), domain.Retention{})
		requireNoVisit(t, s, visit1)
		_, err := s.Acquaintance(t.Context(), domain.LeadKey{Account: account, Lead: domain.LeadOfPerson(ada)})
		require.Equal(t, domain.NotFound, domain.CodeOf(err))
		requireVisit(t, s, got.Visit)
		for _, person := range []domain.PersonID{bob, "p-cyd"} {
			_, err := s.Acquaintance(t.Context(), domain.LeadKey{Account: account, Lead: domain.LeadOfPerson(person)})
			require.NoError(t, err)
		}
	})

	t.Run("LinksAndAnnouncementsGo", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		for i, at := range []time.Time{now, now.Add(300 * day)} {
			l := link([]domain.Key{adaKey, bobKey}[i], ada)
			l.At = at
			learn(t, s, l)
			id := names("e", 2)[i]
			e := event(id, domain.LeadID(id))
			e.ReceivedAt = at
			d := riding(f, e, "bea")
			d.Announce = []domain.Announcement{announcement(id, e.Lead)}
			d.Announce[0].At = at
			admit(t, s, e, d)
		}
		maintain(t, s, now.Add(310*day), domain.Retention{})
		require.Len(t, links(t, s), 2)
		left := announced(t, s)
		require.Len(t, left, 1)
		require.Equal(t, domain.EventID("e-1"), left[0].ID)
		maintain(t, s, now.Add(500*day), domain.Retention{})
		require.Equal(t, domain.PersonID(""), lastPerson(links(t, s), adaKey))
		require.Equal(t, ada, lastPerson(links(t, s), bobKey))
	})

	// What is owed, what is in force, and who asked for it are never too old.
	t.Run("WhatIsOwedAndInForceStays", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		sighting := met(t, s, f, "h-1", visit1, ada)
		revision := suppress(t, s, suppression("s-1", bob), suppression("s-2", ada))
		_, err := s.Suppress(t.Context(), nil, []string{"s-2"}, audit("unsuppress"))
		require.NoError(t, err)
		maintain(t, s, time.Now().Add(1000*day), domain.Retention{})
		require.Equal(t, sighting.N, owed(t, s)[0].N)
		all := since(t, s, 0, "", 10)
		require.NotEmpty(t, all)
		require.Equal(t, "s-1", all[0].ID)
		require.Equal(t, revision, all[0].Revision)
		for _, gone := range all[1:] {
			require.True(t, gone.Removed)
		}
		require.Greater(t, basis(t, s), revision, "the revision never goes back")
		require.Len(t, entries(t, s, ""), 2)
	})
}
