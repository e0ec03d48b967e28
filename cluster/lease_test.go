package cluster

import (
	"maps"
	"slices"
	"testing"
	"time"

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
		"two that withdrew":          {views{"a": {"a"}, "w1": {"w1", "w2"}, "w2": {"w1", "w2"}}, nil},
		"two that are silent":        {views{"a": {"a"}, "s1": {"s1", "s2"}, "s2": {"s1", "s2"}}, nil},
		"who was here before us":     {views{"b": {"b"}, "before": {"b-", "before", "c"}}, nil},
	} {
		var living []domain.NodeLease
		for _, node := range slices.Sorted(maps.Keys(row.views)) {
			l := domain.NodeLease{Node: node, Address: string(node), View: row.views[node], TTL: time.Second}
			switch node[0] {
			case 'w':
				l.Withdrawn = true
			case 's':
				l.TTL /= 2
			}
			if node == "before" {
				l.Address = "b"
			}
			living = append(living, l)
		}
		var out []domain.NodeID
		for _, l := range living {
			l.TTL = time.Second // as it is told
			if !l.Withdrawn && l.Node[0] != 's' && l.Node != "before" && outvoted(l, living) {
				out = append(out, l.Node)
			}
		}
		require.Equal(t, row.out, out, name)
	}
}
