package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// chain tells which of a batch's changes of one row were made by its own lost run. The row bears the id of the
// commit that changed it last, so if that is ours, its newest revisions are: the last op of the row made the
// newest, the one before it the one before.
type chain[K comparable] struct {
	next map[K]int64 // the revision that the op before has to have made; 0: none of ours
	look func(K) (revision, commit int64, err error)
	id   int64
}

// made says whether an op that expected a revision has made the next. Ops come last first.
func (c *chain[K]) made(key K, expect int64) (bool, error) {
	next, asked := c.next[key]
	if !asked {
		revision, commit, err := c.look(key)
		if err != nil {
			return false, err
		}
		if commit == c.id {
			next = revision
		}
	}
	own := next > 0 && next == expect+1
	if own {
		next--
	}
	c.next[key] = next
	return own, nil
}

// recogniseObservations finds its visit as it was left by the lost run. What has come of the sighting and the
// links since is none of its business: a sighting that is gone has been judged.
func recogniseObservations(ctx context.Context, conn *pgx.Conn, b *batch, p *pipeline) (found int, err error) {
	visits := chain[domain.VisitorKey]{next: map[domain.VisitorKey]int64{}, id: b.id, look: func(key domain.VisitorKey) (int64, int64, error) {
		v, commit, err := readVisit(ctx, conn, key)
		return v.Revision, commit, err
	}}
	for _, n := range slices.Backward(b.todo) {
		o := b.ops[n].observe
		if o == nil || p.observed[n].Outcome != domain.Duplicated && p.observed[n].Outcome != domain.Stale {
			continue
		}
		own, err := visits.made(o.Visit.Key(), o.Expect)
		if err != nil {
			return found, fmt.Errorf("look for own visit: %w", err)
		}
		if !own {
			continue
		}
		got, err := ownObservation(ctx, conn, b.id, o, p.observed[n].Basis)
		if err != nil {
			return found, fmt.Errorf("look for own observation: %w", err)
		}
		p.observed[n] = got
		found++
	}
	return found, nil
}

func ownObservation(ctx context.Context, conn *pgx.Conn, id int64, o *observeOp, basis int64) (domain.Observed, error) {
	out := domain.Observed{Outcome: domain.Done, Basis: basis, Visit: o.Visit}
	out.Visit.Revision = o.Expect + 1
	err := conn.QueryRow(ctx, `SELECT coalesce((SELECT event_seq FROM visits WHERE account = $1 AND visitor = $2), 0)`,
		string(o.Visit.Account), string(o.Visit.Visitor)).Scan(&out.Visit.EventSeq)
	if err != nil {
		return out, err
	}
	for _, key := range o.keys {
		var seq int64
		if err := conn.QueryRow(ctx, `SELECT coalesce((SELECT seq FROM event_keys WHERE key = $1), 0)`, key).Scan(&seq); err != nil {
			return out, err
		}
		out.Seqs, out.Visit.EventSeq = append(out.Seqs, seq), seq
	}
	if out.Owed, err = ownSightings(ctx, conn, id, o, &out); err != nil {
		return out, err
	}
	var c linkColumns
	c.add(0, o.Learn, 0, "", 0)
	for i := range c.of {
		l, err := scanLink(conn.QueryRow(ctx, sqlLink, c.account[i], c.kind[i], c.value[i]))
		if err == nil && string(l.Person) == c.person[i] {
			out.Links = append(out.Links, l)
		} else if err != nil && err != pgx.ErrNoRows {
			return out, err
		}
	}
	return out, nil
}

// ownSightings finds the numbers that the lost run gave to what is owed; 0 for what has been judged since.
func ownSightings(ctx context.Context, conn *pgx.Conn, id int64, o *observeOp, out *domain.Observed) ([]int64, error) {
	if len(o.Owed) == 0 {
		return nil, nil
	}
	rows, err := conn.Query(ctx, `SELECT n, lead, event_seq FROM sightings WHERE commit_id = $1 AND account = $2 AND visitor = $3 AND visit_revision = $4 ORDER BY n`,
		id, string(o.Visit.Account), string(o.Visit.Visitor), out.Visit.Revision)
	if err != nil {
		return nil, err
	}
	type owedTo struct {
		lead domain.LeadID
		seq  int64
	}
	waiting := map[owedTo][]int64{}
	var n int64
	var to owedTo
	if _, err := pgx.ForEachRow(rows, []any{&n, &to.lead, &to.seq}, func() error {
		waiting[to] = append(waiting[to], n)
		return nil
	}); err != nil {
		return nil, err
	}
	numbers := make([]int64, len(o.Owed))
	for i := range o.Owed {
		to := owedTo{o.Owed[i].Lead, out.Visit.EventSeq}
		if hit := o.HitOf(o.Owed[i].EventID); hit >= 0 {
			to.seq = out.Seqs[hit]
		}
		if mine := waiting[to]; len(mine) > 0 {
			numbers[i], waiting[to] = mine[0], mine[1:]
		}
	}
	return numbers, nil
}

const sqlLink = `SELECT seq, account, kind, value, person, origin, at, removed FROM links WHERE account = $1 AND kind = $2 AND value = $3`

func recogniseJudgements(ctx context.Context, conn *pgx.Conn, b *batch, p *pipeline) (found int, err error) {
	known := chain[domain.LeadKey]{next: map[domain.LeadKey]int64{}, id: b.id, look: func(key domain.LeadKey) (int64, int64, error) {
		a, commit, err := readAcquaintance(ctx, conn, key)
		return a.Revision, commit, err
	}}
	for _, n := range slices.Backward(b.todo) {
		j := b.ops[n].judge
		if j == nil || p.judged[n].Outcome != domain.AlreadyDecided && p.judged[n].Outcome != domain.Stale {
			continue
		}
		own, err := known.made(j.Lead, j.Expect)
		if err != nil {
			return found, fmt.Errorf("look for own acquaintance: %w", err)
		}
		if !own {
			continue
		}
		got := domain.Judged{Outcome: domain.Done, Basis: p.judged[n].Basis, Acquaintance: j.After}
		got.Acquaintance.Revision = j.Expect + 1
		if got.Announced, err = ownAnnouncements(ctx, conn, b.id, j.Announce); err != nil {
			return found, fmt.Errorf("look for own announcements: %w", err)
		}
		p.judged[n] = got
		found++
	}
	return found, nil
}

// ownAnnouncements finds the numbers that the lost run gave.
func ownAnnouncements(ctx context.Context, conn *pgx.Conn, id int64, all []domain.Announcement) (mine []domain.Announcement, err error) {
	for _, a := range all {
		err := conn.QueryRow(ctx, `SELECT seq FROM announcements WHERE account = $1 AND at = $2 AND id = $3 AND commit_id = $4`,
			string(a.Account), a.At, string(a.ID), id).Scan(&a.Seq)
		if err == pgx.ErrNoRows { // retention, or an erasure
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := ownDeliveries(ctx, conn, &a); err != nil {
			return nil, err
		}
		mine = append(mine, a)
	}
	return mine, nil
}
