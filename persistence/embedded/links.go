package embedded

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"zombiezen.com/go/sqlite"
)

// learn keeps a link, unless the key is that person's already, and answers it as it stands.
func (t *tx) learn(l domain.Link) (domain.Link, error) {
	if err := t.step(stepLink); err != nil {
		return l, err
	}
	s := t.findLink
	s.BindText(1, l.Key.Value)
	s.BindText(2, string(l.Key.Kind))
	s.BindText(3, string(l.Account))
	var kept domain.Link
	found, err := s.Step()
	if found {
		kept = scanLink(s)
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return l, fmt.Errorf("find link: %w", err)
	}
	if found && !kept.Removed && kept.Person == l.Person {
		return kept, nil
	}
	l.Removed = false
	return t.replaceLink(l)
}

// replaceLink writes the key's row under a new number.
func (t *tx) replaceLink(l domain.Link) (domain.Link, error) {
	removed := int64(0)
	if l.Removed {
		removed = 1
	}
	b := bind{stmt: t.insertLink}
	b.text(string(l.Account)).text(string(l.Key.Kind)).text(l.Key.Value).text(string(l.Person)).text(l.From).time(l.At).int(removed)
	if err := b.run(); err != nil {
		return l, fmt.Errorf("write link: %w", err)
	}
	l.Seq = t.conn.LastInsertRowID()
	return l, nil
}

const linkColumns = `seq, account, kind, value, person, origin, at, removed`

func scanLink(s *sqlite.Stmt) domain.Link {
	c := columns{stmt: s}
	return domain.Link{
		Seq: c.int(), Account: domain.AccountID(c.text()), Key: domain.Key{Kind: domain.KeyKind(c.text()), Value: c.text()},
		Person: domain.PersonID(c.text()), From: c.text(), At: c.time(), Removed: c.int() != 0,
	}
}

func checkLinks(op string, links []domain.Link) error {
	for _, l := range links {
		if err := check.Texts(op,
			check.Given("link.account", string(l.Account)), check.Given("link.kind", string(l.Key.Kind)),
			check.Given("link.value", l.Key.Value), check.Given("link.person", string(l.Person)), check.Optional("link.from", l.From),
		); err != nil {
			return err
		}
	}
	return nil
}

// Learn keeps links that no hit brought; see domain.VisitStore.
func (s *Store) Learn(ctx context.Context, l domain.Lesson) (domain.Learned, error) {
	if err := checkLinks("learn links", l.Links); err != nil {
		return domain.Learned{}, err
	}
	var got domain.Learned
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		got = domain.Learned{Outcome: domain.Outdated}
		if l.Basis < t.basis {
			return nil
		}
		got.Outcome = domain.Done
		for _, one := range l.Links {
			kept, err := t.learn(one)
			if err != nil {
				return err
			}
			got.Links = append(got.Links, kept)
		}
		return nil
	}})
	if err != nil { // got may still be written to if ctx ended first
		return domain.Learned{}, err
	}
	return got, nil
}

const sqlLinks = `SELECT ` + linkColumns + ` FROM links WHERE seq > ? ORDER BY seq LIMIT ?`

// Links lists links; see domain.VisitStore.
func (s *Store) Links(ctx context.Context, after int64, limit int) (found []domain.Link, err error) {
	err = s.read(ctx, "list links", func(c *sqlite.Conn) error {
		return query(c, sqlLinks, func(s *sqlite.Stmt) { found = append(found, scanLink(s)) }, after, int64(limit))
	})
	return found, err
}
