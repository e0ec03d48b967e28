package delivery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
)

// An announcement is owed to the endpoints of its account that want its type, each with where it lives.
func TestOwedTo(t *testing.T) {
	t.Parallel()
	account := &domain.Account{ID: "acme", Endpoints: []domain.Endpoint{
		{ID: "all"}, {ID: "leads", Events: []domain.AnnouncementType{domain.LeadAssignedEvent, domain.LeadUpdatedEvent}},
		{ID: "blog", Pixels: []domain.PixelID{"blog"}},
	}}
	lives := func(k domain.EndpointKey) domain.Partition { return domain.Partition(len(k.String())) }
	to := func(kind domain.AnnouncementType, pixel domain.PixelID) (ids []domain.EndpointID) {
		for _, o := range delivery.OwedTo(account, kind, pixel, lives) {
			require.Equal(t, lives(domain.EndpointKey{Account: "acme", Endpoint: o.Endpoint}), o.Partition)
			require.Equal(t, domain.ClassOf(kind), o.Class)
			ids = append(ids, o.Endpoint)
		}
		return ids
	}
	require.Equal(t, []domain.EndpointID{"all", "leads", "blog"}, to(domain.LeadUpdatedEvent, ""))
	require.Equal(t, []domain.EndpointID{"all", "blog"}, to(domain.LeadReceivedEvent, ""))
	require.Equal(t, []domain.EndpointID{"all"}, to(domain.VisitorUpdatedEvent, "shop"))
	require.Equal(t, []domain.EndpointID{"all", "blog"}, to(domain.VisitorIdentifiedEvent, "blog"))
	require.Empty(t, delivery.OwedTo(nil, domain.LeadUpdatedEvent, "", lives))
}

// What an endpoint wants leaves, whether or not the account lists it; the list alone owes nobody.
func TestLeadEvents_OfEndpoints(t *testing.T) {
	t.Parallel()
	owing := func(_ domain.AccountID, kind domain.AnnouncementType, pixel domain.PixelID) []domain.Owed {
		require.Empty(t, pixel)
		if kind == domain.LeadAssignedEvent {
			return []domain.Owed{{Endpoint: "crm"}}
		}
		return nil
	}
	d := domain.Decision{Verb: domain.Assign, Contact: []byte(`{}`)}
	got, err := delivery.LeadEvents(nil, owing, d, nil, domain.Event{})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, domain.LeadAssignedEvent, got[0].Type)
	require.Equal(t, []domain.Owed{{Endpoint: "crm"}}, got[0].Owed)

	got, err = delivery.LeadEvents([]domain.AnnouncementType{domain.LeadReceivedEvent}, owing, d, nil, domain.Event{})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Empty(t, got[0].Owed)
}
