package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// Of sides that do not see each other one stays: the larger, and of two that are as large the one with the lowest name.
func TestOutvoted(t *testing.T) {
	t.Parallel()
	type views map[domain.NodeID][]domain.NodeID
	for name, row := range map[string]struct {
		views views
		out   []domain.NodeID
	}{
		"all see each other":         {views{"a": {"a", "b"}, "b": {"a", "b"}}, nil},
		"one alone of three":         {views{"a": {"a"}, "b": {"b", "c"}, "c": {"b", "c"}}, []domain.NodeID{"a"}},
		"two and two":                {views{"a": {"a", "d"}, "b": {"b", "c"}, "c": {"b", "c"}, "d": {"a", "d"}}, []domain.NodeID{"b", "c"}},
		"each alone":                 {views{"a": {"a"}, "b": {"b"}, "c": {"c"}}, []domain.NodeID{"b", "c"}},
		"one still believes":         {views{"a": {"a", "b"}, "b": {"b"}}, nil},
		"the dead do not count":      {views{"a": {"a", "x", "y"}, "b": {"b", "c"}, "c": {"b", "c"}}, []domain.NodeID{"a"}},
		"one that withdrew sees all": {views{"a": {"a"}, "b": {"a", "b"}}, nil},
	} {
		var living []domain.NodeLease
		for _, node := range []domain.NodeID{"a", "b", "c", "d"} {
			if view, ok := row.views[node]; ok {
				living = append(living, domain.NodeLease{Node: node, View: view})
			}
		}
		var out []domain.NodeID
		for _, l := range living {
			if outvoted(l, living) {
				out = append(out, l.Node)
			}
		}
		require.Equal(t, row.out, out, name)
	}
}
