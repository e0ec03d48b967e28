package apikey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// Scope is one thing that a key may do.
type Scope string

const (
	EventsWrite       Scope = "events:write"
	AnnouncementsRead Scope = "announcements:read"
	SuppressionsRead  Scope = "suppressions:read"
	SuppressionsWrite Scope = "suppressions:write"
	PeopleRead        Scope = "people:read"
	PeopleErase       Scope = "people:erase"
	PixelsRead        Scope = "pixels:read"
	PixelsWrite       Scope = "pixels:write"
	GraphRead         Scope = "graph:read"
	GraphWrite        Scope = "graph:write"
	KeysWrite         Scope = "keys:write"
	AuditRead         Scope = "audit:read"
	EndpointsRead     Scope = "endpoints:read"
	EndpointsWrite    Scope = "endpoints:write"
	// DeliveriesRead shows what became of events, and not what they say: a payload takes AnnouncementsRead as well.
	DeliveriesRead  Scope = "deliveries:read"
	DeliveriesWrite Scope = "deliveries:write"
	// SecretsReseal changes no secret, only the master key that it is sealed with.
	SecretsReseal Scope = "secrets:reseal"
	ClusterRead   Scope = "cluster:read"
	ClusterWrite  Scope = "cluster:write"
)

// Scopes lists every scope.
func Scopes() []Scope {
	return []Scope{
		EventsWrite, AnnouncementsRead, SuppressionsRead, SuppressionsWrite, PeopleRead, PeopleErase,
		PixelsRead, PixelsWrite, GraphRead, GraphWrite, KeysWrite, AuditRead,
		EndpointsRead, EndpointsWrite, DeliveriesRead, DeliveriesWrite, SecretsReseal, ClusterRead, ClusterWrite,
	}
}

// platform are the scopes over what every account shares: a key of one account cannot have them.
func platform(s Scope) bool {
	return s == GraphRead || s == GraphWrite || s == SecretsReseal || s == ClusterRead || s == ClusterWrite
}

// Check says whether a key of an account ("": of the platform) may have these scopes.
func Check(account domain.AccountID, scopes []string) error {
	const op = "check scopes"
	if len(scopes) == 0 {
		return domain.FailField(op, "scopes", "must list at least one of: "+names())
	}
	for i, s := range scopes {
		field := fmt.Sprintf("scopes[%d]", i)
		switch {
		case !slices.Contains(Scopes(), Scope(s)):
			return domain.FailField(op, field, fmt.Sprintf("%q must be one of: %s", s, names()))
		case slices.Index(scopes, s) < i:
			return domain.FailField(op, field, fmt.Sprintf("%q is there twice", s))
		case account != "" && platform(Scope(s)):
			return domain.FailField(op, field, fmt.Sprintf("%q is over all accounts: a key of one account cannot have it", s))
		}
	}
	return nil
}

func names() string {
	var all []string
	for _, s := range Scopes() {
		all = append(all, string(s))
	}
	return strings.Join(all, ", ")
}
