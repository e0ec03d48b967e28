package cluster

import (
	"context"
	"encoding/base64"
	"log/slog"
	"strconv"
	"strings"
)

// DeclareDead makes a believe that b has died, as it would after a pause of b.
func DeclareDead(a, b *Node) {
	a.provider.mu.Lock()
	a.provider.dead.add(b.sys.ID + "." + strconv.Itoa(Generation(b)))
	a.provider.mu.Unlock()
	a.provider.poke()
}

// Generation is how often n has come back under a new id.
func Generation(n *Node) int {
	m, _, err := decodeMeta(*n.provider.meta.Load())
	if err != nil {
		return -1
	}
	_, gen, _ := strings.Cut(m.GetId(), ".")
	g, _ := strconv.Atoi(gen)
	return g
}

// Addresses looks for seeds, with names looked up by lookup.
func Addresses(lookup func(context.Context, string) ([]string, error), seeds ...string) func() []string {
	d := newDiscovery(seeds, slog.New(slog.DiscardHandler))
	d.lookup = lookup
	return func() []string { return d.addresses(context.Background()) }
}

// GossipKeys are the keys of a node's gossip in base64, the one that encrypts first.
func GossipKeys(n *Node) string {
	var all []string
	for _, key := range n.provider.secrets.ring.GetKeys() {
		all = append(all, base64.StdEncoding.EncodeToString(key))
	}
	return strings.Join(all, " ")
}
