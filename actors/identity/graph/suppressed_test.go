package graph_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
)

// lent lends one file to a matcher.
type lent struct{ *graph.File }

func (l lent) Borrow() identity.Graph { return l }
func (lent) Release()                 {}

// secret is something of a human that a suppression can name, in clear.
type secret struct {
	kind domain.SuppressionKind
	text string
}

// forms are all that a suppression may be given as: in clear, as people write it, and hashed.
func (s secret) forms() []string {
	if s.kind == domain.SuppressPhone {
		hash, _ := identity.PhoneHash(s.text)
		return []string{s.text, s.text[:2] + " (" + s.text[2:5] + ") " + s.text[5:], hash, strings.ToUpper(hash)}
	}
	forms := []string{s.text, " " + strings.ToUpper(s.text)}
	for _, h := range identity.HEMs(s.text) {
		forms = append(forms, h.MD5, h.SHA1, h.SHA256, strings.ToUpper(h.SHA256))
	}
	return forms
}

// keys are all that the same human may be found by who is suppressed in that form: by a hash that is it, or by any
// when it is known in clear.
func (s secret) keys(form string) []domain.Key {
	if s.kind == domain.SuppressPhone {
		hash, _ := identity.PhoneHash(form)
		return []domain.Key{{Kind: domain.KeyPhone, Value: hash}}
	}
	return identity.KeysOf("", identity.ReadEmail(form), "", nil)
}

// evidence is a hit that has one key and no more, and whoever identified itself by it.
func evidence(k domain.Key) identity.Evidence {
	e := identity.Evidence{Account: "acme", Identified: true, At: day}
	switch k.Kind {
	case domain.KeyPhone:
		e.Phone = k.Value
	case domain.KeyVisitor:
		e.Visitor, e.Identified = domain.VisitorID(k.Value), false
	default:
		h, _ := identity.ReadDigest(k.Value)
		e.HEMs = []domain.HEM{h}
	}
	return e
}

// human is somebody of the story: some are in the graph, in rows that contradict one another.
type human struct {
	secrets []secret
	rows    []map[string]any
}

func people(r *rand.Rand) (all []human) {
	for i := range 6 {
		h := human{secrets: []secret{
			{domain.SuppressEmail, fmt.Sprintf("ja.ne%d@gmail.com", i)},
			{domain.SuppressEmail, fmt.Sprintf("jane@firm%d.example", i)},
			{domain.SuppressEmail, fmt.Sprintf("jane%d@mail.example", i)},
			{domain.SuppressPhone, fmt.Sprintf("+1415555010%d", i)},
			{domain.SuppressPhone, fmt.Sprintf("+1415555020%d", i)},
		}}
		for range i % 4 { // with i%4 == 0 no graph knows it
			row := map[string]any{"id": fmt.Sprintf("p-%d", i), "seen_at": fmt.Sprintf("2026-01-%02d", 1+r.IntN(9))}
			for _, s := range h.secrets {
				forms := s.forms()
				switch form := forms[r.IntN(len(forms))]; {
				case r.IntN(2) == 0:
				case s.kind == domain.SuppressPhone:
					row["phones"] = append(listOf(row["phones"]), form)
				case r.IntN(3) == 0:
					row["business_email"] = s.text
				case r.IntN(3) == 0:
					row["personal_email"] = s.text
				default:
					row["emails"] = append(listOf(row["emails"]), form)
				}
			}
			h.rows = append(h.rows, row)
		}
		all = append(all, h)
	}
	return all
}

func listOf(v any) []string { list, _ := v.([]string); return list }

// Whatever rows the graph was built of, whatever was learned, and in whatever order and form it all came: whoever a
// suppressed key leads to, at once or by the visitor that has learned it, is suppressed by what its record and its id
// say.
func TestSuppression_ReachesWhoeverAKeyLeadsTo(t *testing.T) {
	t.Parallel()
	reached := map[string]int{}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 9))
		all := people(r)
		var rows []string
		for _, h := range all {
			for _, row := range h.rows {
				text, err := json.Marshal(row)
				require.NoError(t, err)
				rows = append(rows, string(text))
			}
		}
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		f, _, refused := build(t, inputs{persons: strings.Join(rows, "\n")})
		require.Empty(t, refused)

		overlay := identity.NewOverlay(identity.OverlayConfig{}, nil)
		m := identity.NewMatcher(identity.MatcherDeps{Graphs: lent{f}, Overlay: overlay, Metrics: identity.NewMetrics(nil)})
		suppressed, seq := map[domain.Key]bool{}, int64(0)
		list := identity.NewSuppressions(nil)
		visitors := map[domain.VisitorID]domain.Key{} // by what each has identified itself
		for step := range 80 {
			h := all[r.IntN(len(all))]
			s := h.secrets[r.IntN(len(h.secrets))]
			forms := s.forms()
			form := forms[r.IntN(len(forms))]
			keys := s.keys(form)
			if r.IntN(4) == 0 {
				one, err := identity.NewSuppression(domain.GlobalScope, "", "", s.kind, form, "", day.Add(time.Duration(step)))
				require.NoError(t, err)
				list.Take(int64(step+1), []domain.Suppression{one})
				for _, k := range keys {
					suppressed[k] = true
				}
			} else { // a visitor identifies itself, and that is learned
				v, k := domain.VisitorID(fmt.Sprintf("v-%d", step)), keys[r.IntN(len(keys))]
				e := evidence(k)
				e.Visitor = v
				for _, link := range m.Match(e).Learn {
					seq++
					link.Seq = seq
					overlay.Put([]domain.Link{link})
				}
				visitors[v] = k
			}
			check := func(e identity.Evidence, k domain.Key) {
				found := m.Match(e)
				if found.Person == "" {
					return
				}
				record, _ := m.Record("acme", found.Person)
				subject := identity.SubjectOf(record)
				subject.Account, subject.Person = "acme", found.Person
				_, is := list.Check(subject)
				require.True(t, is, "seed %d, step %d: %v leads to %s, who is %+v", seed, step, k, found.Person, record)
				reached[found.Match.From+" "+string(found.Person[:2])]++
			}
			for k := range suppressed {
				check(evidence(k), k)
			}
			for v, k := range visitors {
				if suppressed[k] {
					check(identity.Evidence{Account: "acme", Visitor: v}, k)
				}
			}
		}
	}
	for _, way := range []string{"identify p-", "identify he", "overlay p-", "overlay he"} {
		require.NotZero(t, reached[way], "%s: the story has to come by it; %v", way, reached)
	}
}
