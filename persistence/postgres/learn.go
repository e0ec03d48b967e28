package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// Learn keeps links that no hit brought: see domain.VisitStore.
func (s *Store) Learn(ctx context.Context, l domain.Lesson) (domain.Learned, error) {
	if err := checkLinks("learn links", l.Links); err != nil {
		return domain.Learned{}, err
	}
	if len(l.Links) == 0 {
		return domain.Learned{Outcome: domain.Done}, nil
	}
	r, err := s.writer.Do(ctx, op{learn: &domain.Lesson{Basis: l.Basis, Links: linksAtMicros(l.Links)}})
	return r.learned, err
}

func linksAtMicros(links []domain.Link) []domain.Link {
	mine := make([]domain.Link, len(links))
	for i, l := range links {
		l.At, l.Seq, l.Removed = micro(l.At), 0, false
		mine[i] = l
	}
	return mine
}

func linkKeyOf(l domain.Link) linkKey { return linkKey{l.Account, l.Key} }

func touchesOf(links []domain.Link) []any {
	things := make([]any, len(links), len(links)+2)
	for i, l := range links {
		things[i] = linkKeyOf(l)
	}
	return things
}

// learn queues the links of a wave: those asked for, and those that its observations bring if they are done.
func (p *pipeline) learn(wave []int) {
	var c linkColumns
	for _, n := range wave {
		o := p.b.ops[n]
		if o.learn != nil {
			p.learned[n] = domain.Learned{Outcome: domain.Outdated} // until one of its links comes back
			c.add(n, o.learn.Links, o.learn.Basis, "", 0)
		}
		if v := o.observe; v != nil {
			c.add(n, v.Learn, v.Basis, string(v.Visit.Visitor), v.Expect+1)
		}
	}
	if len(c.of) == 0 {
		return
	}
	p.queue(sqlLearn, func(rows pgx.Rows) error {
		var ord int64
		l, err := scanLink(rows, &ord)
		if err != nil {
			return fmt.Errorf("read learned link: %w", err)
		}
		p.put(c.of[ord-1], l)
		return nil
	}, c.account, c.kind, c.value, c.person, c.origin, c.at, c.basis, c.visitor, c.revision)
}

// put answers an op with a link as it stands.
func (p *pipeline) put(n int, l domain.Link) {
	if p.b.ops[n].observe == nil {
		p.learned[n] = domain.Learned{Outcome: domain.Done, Links: append(p.learned[n].Links, l)}
		return
	}
	got := p.observed[n]
	got.Links = append(got.Links, l)
	p.observed[n] = got
}

// linkColumns are links as the arrays that learn.sql takes.
type linkColumns struct {
	of                                            []int // the op of each row
	account, kind, value, person, origin, visitor []string
	at                                            []time.Time
	basis, revision                               []int64
}

// add takes an op's links, of one key the last: it is the newest.
func (c *linkColumns) add(n int, links []domain.Link, basis int64, visitor string, revision int64) {
	for i, l := range links {
		if laterHas(links[i+1:], linkKeyOf(l)) {
			continue
		}
		c.of = append(c.of, n)
		c.account = append(c.account, string(l.Account))
		c.kind = append(c.kind, string(l.Key.Kind))
		c.value = append(c.value, l.Key.Value)
		c.person = append(c.person, string(l.Person))
		c.origin = append(c.origin, l.From)
		c.at = append(c.at, l.At)
		c.basis = append(c.basis, basis)
		c.visitor = append(c.visitor, visitor)
		c.revision = append(c.revision, revision)
	}
}

func laterHas(links []domain.Link, key linkKey) bool {
	for _, l := range links {
		if linkKeyOf(l) == key {
			return true
		}
	}
	return false
}

const sqlLinks = `SELECT seq, account, kind, value, person, origin, at, removed FROM links WHERE seq > $1 ORDER BY seq LIMIT $2`

// Links lists links with Seq > after, removed ones included: see domain.VisitStore.
func (s *Store) Links(ctx context.Context, after int64, limit int) ([]domain.Link, error) {
	return read(ctx, s, "list links", func(ctx context.Context, c reader) ([]domain.Link, error) {
		rows, err := c.Query(ctx, sqlLinks, after, max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (domain.Link, error) { return scanLink(row) })
	})
}

func scanLink(row pgx.Row, more ...any) (l domain.Link, err error) {
	err = row.Scan(append([]any{&l.Seq, &l.Account, &l.Key.Kind, &l.Key.Value, &l.Person, &l.From, &l.At, &l.Removed}, more...)...)
	l.At = l.At.UTC()
	return l, err
}
