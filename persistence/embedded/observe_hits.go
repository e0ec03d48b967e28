package embedded

import (
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// takeKeys takes the hits' keys, and with them the numbers of their events. It answers fewer than there are
// hits when a key was there: those it took before are given back then, so that nothing is written. That is
// rarer than a look at every key would be worth.
func (t *tx) takeKeys(hits []domain.Hit) (seqs []int64, err error) {
	if len(hits) == 0 {
		return nil, nil
	}
	seqs = make([]int64, 0, len(hits))
	for i := range hits {
		if err := t.step(stepKey); err != nil {
			return nil, err
		}
		h := &hits[i]
		key := bind{stmt: t.insertKey}
		key.text(string(h.Account)).text(string(domain.PixelSource)).text(string(h.ID)).time(h.ReceivedAt)
		if err := key.run(); err != nil {
			return nil, fmt.Errorf("insert event key: %w", err)
		}
		if t.conn.Changes() == 0 {
			return nil, t.giveBack(seqs)
		}
		seqs = append(seqs, t.conn.LastInsertRowID())
	}
	return seqs, nil
}

// giveBack removes keys that were taken a moment ago, in this very transaction.
func (t *tx) giveBack(seqs []int64) error {
	for _, seq := range seqs {
		if err := query(t.conn, `DELETE FROM event_keys WHERE seq = ?`, nil, seq); err != nil {
			return fmt.Errorf("give event key back: %w", err)
		}
	}
	return nil
}

// keepHit keeps the hit as an event behind prev, the visitor's one before it.
func (t *tx) keepHit(h *domain.Hit, seq, prev int64) error {
	if err := t.step(stepEvent); err != nil {
		return err
	}
	b := bind{stmt: t.insertHit}
	b.int(seq).time(h.ReceivedAt).time(h.OccurredAt).text(string(h.Type)).text(string(domain.Record)).
		text(string(domain.LeadOfVisitor(h.Visitor))).bytes(h.Body).int(prev)
	if err := b.run(); err != nil {
		return fmt.Errorf("insert hit: %w", err)
	}
	return nil
}

// hitsKnown says which hits' keys are there.
func (t *tx) hitsKnown(hits []domain.Hit) ([]bool, error) {
	known := make([]bool, len(hits))
	for i := range hits {
		err := query(t.conn, `SELECT 1 FROM event_keys WHERE event_id = ? AND source = ? AND account = ?`,
			func(*sqlite.Stmt) { known[i] = true }, string(hits[i].ID), string(domain.PixelSource), string(hits[i].Account))
		if err != nil {
			return nil, fmt.Errorf("find event key: %w", err)
		}
	}
	return known, nil
}
