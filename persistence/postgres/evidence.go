package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// When the connection breaks while a commit is under way, nobody here knows whether it was committed.
// The choice is to find out, and not to refuse: a refused Receive would come back as a duplicate whose
// work nobody starts, and a refused Decide would be announced only after somebody reads the feed.
//
// So the batch is run again under the same id. What the lost run wrote, the second one meets as a
// duplicate, as decided, as stale or as seen, and the id in those rows tells our own from another's:
//
//	the lost run      the second run finds           answer
//	was undone        nothing                        its own
//	was committed     our id                         what the lost run would have answered
//	was committed     a newer epoch                  fenced: true, and the new owner goes on from the rows
//	is still running  its locks: it waits, then one of the above
//	comes later       (the server got it late)       changes nothing: every key is there
//
// If the second run cannot be had in time the callers get Unavailable and repeat: then the keys answer.

// recognise amends the pipeline's answers by what an earlier run of the batch has written.
func (s *Store) recognise(ctx context.Context, conn *pgx.Conn, b *batch, p *pipeline) error {
	for _, look := range []func(context.Context, *pgx.Conn, *batch, *pipeline) (int, error){
		recogniseEvents, recogniseMarks, recogniseDecisions, recogniseObservations, recogniseJudgements, recogniseAttempts,
	} {
		found, err := look(ctx, conn, b, p)
		if err != nil {
			return err
		}
		s.metrics.recognised.Add(float64(found))
	}
	return nil
}

func recogniseEvents(ctx context.Context, conn *pgx.Conn, b *batch, p *pipeline) (int, error) {
	byKey := map[[16]byte][]int{}
	var keys [][16]byte
	for _, n := range b.todo {
		if r := b.ops[n].receive; r != nil && p.stored[n] == 0 {
			byKey[r.key] = append(byKey[r.key], n)
			keys = append(keys, r.key)
		}
	}
	if len(keys) == 0 {
		return 0, nil
	}
	rows, err := conn.Query(ctx, `SELECT k.key, k.seq FROM event_keys k
		JOIN events e ON e.seq = k.seq AND e.received_at = k.received_at
		WHERE k.key = ANY ($1::uuid[]) AND e.commit_id = $2`, keys, b.id)
	if err != nil {
		return 0, fmt.Errorf("look for own events: %w", err)
	}
	found := 0
	var key [16]byte
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&key, &seq}, func() error {
		// Of the same key twice in a batch, the first whose fence stood was stored.
		first := slices.IndexFunc(byKey[key], func(n int) bool { return p.owned(b.ops[n].receive.fence) })
		if first >= 0 {
			p.stored[byKey[key][first]] = seq
			found++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("look for own events: %w", err)
	}
	return found, nil
}

// owned says whether the fence stood in this run; the epoch 0 of a partition never claimed is nobody's.
func (p *pipeline) owned(f domain.Fence) bool {
	return f.Epoch > 0 && p.epochs[f.Partition] == f.Epoch
}

func recogniseMarks(ctx context.Context, conn *pgx.Conn, b *batch, p *pipeline) (int, error) {
	if len(p.marks.order) == 0 {
		return 0, nil
	}
	account, buyer, seq := p.marks.columns()
	before := len(p.marks.fresh)
	rows, err := conn.Query(ctx, `SELECT s.account, s.buyer, s.seq FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (account, buyer, seq)
		JOIN seen s ON s.account = u.account AND s.buyer = u.buyer AND s.seq = u.seq WHERE s.commit_id = $4`, account, buyer, seq, b.id)
	if err != nil {
		return 0, fmt.Errorf("look for own marks: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := p.marks.scan(rows); err != nil {
			return 0, err
		}
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("look for own marks: %w", err)
	}
	return len(p.marks.fresh) - before, nil
}

// recogniseDecisions looks one decision at a time: this is the path after an outage, and few have to be
// asked for.
func recogniseDecisions(ctx context.Context, conn *pgx.Conn, b *batch, p *pipeline) (int, error) {
	found := 0
	for _, n := range b.todo {
		d := b.ops[n].decide
		if d == nil || p.decided[n].Outcome != domain.AlreadyDecided && p.decided[n].Outcome != domain.Stale {
			continue
		}
		if b.ops[n].receive != nil {
			if d.EventSeq = p.stored[n]; d.EventSeq == 0 { // a repeat of another's event
				continue
			}
		}
		own, ok, err := ownDecision(ctx, conn, b.id, d)
		if err != nil {
			return found, fmt.Errorf("look for own decision: %w", err)
		}
		if !ok {
			continue
		}
		if own.Announced, err = ownAnnouncements(ctx, conn, b.id, d.Announce); err != nil {
			return found, fmt.Errorf("look for own announcements: %w", err)
		}
		p.decided[n] = own
		found++
	}
	return found, nil
}

// ownDecision says what the commit has already done for d, and whether it has.
func ownDecision(ctx context.Context, conn *pgx.Conn, id int64, d *domain.Decision) (domain.Decided, bool, error) {
	lead, commit, err := readLead(ctx, conn, d.Lead)
	if err != nil {
		return domain.Decided{}, false, err
	}
	out := domain.Decided{Outcome: domain.Done, Lead: lead}
	if lead.Revision == 0 {
		// An ignored event leaves nothing behind but its absence, and it is the same to everybody
		// whose ignoring it was.
		return domain.Decided{Outcome: domain.Done}, d.Verb == domain.Ignore, nil
	}
	if lead.Buyer == "" { // held, or updated while it waits: the lead itself bears the id
		return out, commit == id && (d.Verb == domain.Hold || d.Verb == domain.Update), nil
	}
	if d.Verb != domain.Assign && d.Verb != domain.Update {
		return domain.Decided{}, false, nil
	}
	var seq int64
	err = conn.QueryRow(ctx, `SELECT seq, coalesce(day, ''), coalesce(day_count, 0) FROM feed_events
		WHERE account = $1 AND buyer = $2 AND decided_at = $3 AND event_seq = $4 AND commit_id = $5`,
		string(lead.Account), string(lead.Buyer), d.At, d.EventSeq, id).Scan(&seq, &out.Day, &out.Count)
	if err == pgx.ErrNoRows {
		return domain.Decided{}, false, nil
	}
	out.Event = announcement(d, lead, domain.Seq(seq))
	return out, err == nil, err
}
