package cluster

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/cluster"
)

// Member is a node as this one knows it.
type Member struct {
	// ID is of one life of its membership: a process that starts again, or that was thought dead and comes back, has
	// another one, and what was agreed with it before is void.
	ID      string
	Address string // host:port of its actor messages
	URL     string // where browsers reach this very node, without a slash at its end; empty: nowhere
	Local   bool
}

func (m *member) public() Member {
	return Member{ID: m.id, Address: m.address, URL: m.url, Local: m.local}
}

// Home says on which node an identity lives; false while there is none. It activates nothing.
func (n *Node) Home(kind, id string) (Member, bool) {
	_, owner := n.router.owner(kind, id)
	if owner == nil {
		return Member{}, false
	}
	return owner.public(), true
}

// URLs lists where browsers reach the nodes that say so, this one included, sorted.
func (n *Node) URLs() []string {
	var out []string
	for _, m := range n.router.table.Load().known {
		if m.url != "" {
			out = append(out, m.url)
		}
	}
	slices.Sort(out)
	return out
}

// maxURL is the longest Config.URL, in bytes: gossip carries 512 of a member, of which a host takes up to 253 and the
// rest some 60.
const maxURL = 180

// urlLabel marks the label of a gossiped member that is its URL. Nodes that do not know it leave it alone.
const urlLabel = "url="

// share is what part a node takes in partitions.
type share int32

const (
	sharing   share = iota // it takes what is proposed to it
	withdrawn              // only if nobody shares
	stopping               // nothing any more
)

// atomicShare is a share that others read.
type atomicShare struct{ v atomic.Int32 }

func (a *atomicShare) Load() share   { return share(a.v.Load()) }
func (a *atomicShare) Store(s share) { a.v.Store(int32(s)) }

// What a member shows of its share; one that stops shows neither.
const (
	memberKind    = "partitions"
	withdrawnKind = "withdrawn"
)

// labels is the kinds that a node shows.
func labels(cfg Config, s share) (all []string) {
	switch s {
	case sharing:
		all = append(all, memberKind)
	case withdrawn:
		all = append(all, withdrawnKind)
	}
	if cfg.URL != "" {
		all = append(all, urlLabel+cfg.URL)
	}
	return all
}

func shareOf(m *cluster.Member) share {
	switch {
	case slices.Contains(m.GetKinds(), memberKind):
		return sharing
	case slices.Contains(m.GetKinds(), withdrawnKind):
		return withdrawn
	default:
		return stopping
	}
}

// urlOf reads a member's URL. One that this node would not have taken from its own settings is none.
func urlOf(m *cluster.Member) string {
	for _, label := range m.GetKinds() {
		if u, ok := strings.CutPrefix(label, urlLabel); ok && checkURL(u) == nil {
			return u
		}
	}
	return ""
}

// checkURL says what is wrong with a node's URL.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return fmt.Errorf("at most %d bytes", maxURL)
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.ContainsAny(text, " ;,'\""):
		return errors.New("must be http:// or https:// and a host, as https://node-1.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") || strings.HasSuffix(text, "/"):
		return errors.New("nothing but a path may follow the host, and no slash stands at the end")
	}
	return nil
}
