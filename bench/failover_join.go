package bench

import (
	"context"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

// moves counts the partitions that another node has now, and of them those that have not gone to the one that came.
func moves(before, after Owners, came domain.NodeID) (moved, strayed int) {
	for p, owner := range after {
		if owner == before[p] {
			continue
		}
		moved++
		if owner != came {
			strayed++
		}
	}
	return moved, strayed
}

// joins lets one more node join, and leave, several times: where it listens decides its share, and each time it is elsewhere.
func (r *failoverRun) joins(ctx context.Context) error {
	var shares []float64
	strays := 0
	for i := range r.cfg.Joins {
		r.cfg.Log.Info("a node joins", "join", i+1)
		moved, strayed, err := r.join(ctx)
		if err != nil {
			return err
		}
		shares, strays = append(shares, float64(moved)/domain.Partitions), strays+strayed
		if err := r.fleet.remove(ctx); err != nil {
			return err
		}
	}
	slices.Sort(shares)
	nodes, half, last := float64(r.cfg.Nodes+1), shares[len(shares)/2], shares[len(shares)-1]
	r.report.set("join.moved_share", half)
	r.report.set("join.moved_ratio", half*nodes)
	r.report.set("join.moved_ratio_max", last*nodes)
	r.report.set("join.strayed", float64(strays))
	return nil
}

func (r *failoverRun) join(ctx context.Context) (moved, strayed int, err error) {
	if err := r.fleet.whole(ctx); err != nil {
		return 0, 0, err
	}
	before, err := r.place.Owners(ctx)
	if err != nil {
		return 0, 0, err
	}
	came, err := r.fleet.add(ctx)
	if err != nil {
		return 0, 0, err
	}
	if err := r.fleet.whole(ctx); err != nil {
		return 0, 0, err
	}
	after, err := r.place.Owners(ctx)
	if err != nil {
		return 0, 0, err
	}
	moved, strayed = moves(before, after, came.id)
	return moved, strayed, nil
}
