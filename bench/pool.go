package bench

import (
	"errors"
	"net/netip"
	"time"
)

// pool is the keep-alive connections to one server.
type pool struct {
	reactor *reactor
	to      netip.AddrPort
	most    int                                     // at once
	told    func(n int64, status int, at time.Time) // hears of every answer; status 0 is none

	open []*poster
	free []*poster // open and idle, the one used last on top
	peak int
}

var errFull = errors.New("every allowed connection is taken")

// take gives a connection that is idle, or one more; errFull when there are most already.
func (p *pool) take() (*poster, error) {
	if k := len(p.free); k > 0 {
		top := p.free[k-1]
		p.free = p.free[:k-1]
		return top, nil
	}
	if len(p.open) >= p.most {
		return nil, errFull
	}
	one := &poster{pool: p, n: idle}
	sock, err := p.reactor.connect(p.to, one)
	if err != nil {
		return nil, err
	}
	one.sock = sock
	p.open = append(p.open, one)
	p.peak = max(p.peak, len(p.open))
	return one, nil
}

func (p *pool) gone(one *poster) {
	p.open = without(p.open, one)
	p.free = without(p.free, one)
}

func without(all []*poster, gone *poster) []*poster {
	for i, p := range all {
		if p == gone {
			last := len(all) - 1
			all[i] = all[last]
			return all[:last]
		}
	}
	return all
}

// giveUp ends the requests whose answer took longer than patience.
func (p *pool) giveUp(now time.Time, patience time.Duration) {
	for i := len(p.open) - 1; i >= 0; i-- {
		if one := p.open[i]; one.n != idle && now.Sub(one.sent) > patience {
			p.reactor.shut(one.sock, errPatience)
		}
	}
}
