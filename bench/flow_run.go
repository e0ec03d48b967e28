package bench

import (
	"context"
	"errors"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// scene is what a server needs to have for it. change may make the endpoints others than usual.
func (p flowPlan) scene(r *receivers, change func(i int, e *domain.Endpoint)) scene {
	in := scene{people: max(1, p.knows()), known: p.knows(), receivers: r, endpoints: r.endpoints()}
	for i := range p.lanes {
		in.pixels = append(in.pixels, benchSite(laneID(i)))
		in.endpoints[i].Pixels = []domain.PixelID{laneID(i)}
		if change != nil {
			change(i, &in.endpoints[i])
		}
	}
	return in
}

// onServer starts a server for a flow, lets run have both, and stops it.
func (f *flow) onServer(ctx context.Context, cfg ServerConfig, change func(int, *domain.Endpoint), run func(*pixelServer) error) (err error) {
	name := newRun()
	doors, err := openReceivers(ctx, name, f.planned.lanes, f.take)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doors.close()) }()
	server, err := startPixelServer(ctx, cfg, name, f.planned.scene(doors, change))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop(ctx)) }()
	to, host, err := server.address(ctx)
	if err != nil {
		return err
	}
	if err := f.aim(name, to, host); err != nil {
		return err
	}
	return run(server)
}

// measure carries the flow out. beside goes on from the end of the warm-up; house is called now and then by the sender.
func (f *flow) measure(ctx context.Context, report *Report, server *pixelServer, beside func() error, house func(now time.Time)) error {
	seen, err := newObserver(server.Target, &f.acked).of(server.receivers).watch(ctx, f.measuring, beside, func() error {
		return f.carryOut(ctx, func(now time.Time) {
			f.giveUp(now)
			house(now)
		})
	})
	tellServer(report, "event", seen.before, seen.after)
	tellCollector(report, seen.before, seen.after)
	return errors.Join(err, seen.err)
}
