package embedded

import (
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
)

// endpointRow is what an endpoint's row says of its state, as the batch at hand has left it. Every attempt that succeeds
// changes it, and the attempts of a batch are often at one endpoint: it is read and written once for all of them.
type endpointRow struct {
	revision, disabledAt      int64
	reason                    string
	failingSince, succeededAt int64
	told                      domain.Told
	dirty                     bool
}

// become is the state one revision on.
func (r *endpointRow) become(is endpointRow) {
	*r = is
	r.revision++
	r.dirty = true
}

// endpointState reads an endpoint's state once a batch; what is changed of it is written before COMMIT.
func (t *tx) endpointState(n int64) (*endpointRow, error) {
	if r := t.states[n]; r != nil {
		return r, nil
	}
	r := &endpointRow{}
	s := t.readEndpoint
	s.BindInt64(1, n)
	found, err := s.Step()
	if found {
		c := columns{stmt: s}
		*r = endpointRow{revision: c.int(), disabledAt: c.int(), reason: c.text(), failingSince: c.int(), succeededAt: c.int(), told: domain.Told(c.int())}
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return nil, fmt.Errorf("read endpoint: %w", err)
	}
	t.states[n] = r
	return r, nil
}

// writeEndpoints writes back what the batch has changed.
func (t *tx) writeEndpoints() error {
	for n, r := range t.states {
		if !r.dirty {
			continue
		}
		if err := t.step(stepEndpoint); err != nil {
			return err
		}
		b := bind{stmt: t.updateEndpoint}
		if err := b.int(r.revision).int(r.disabledAt).text(r.reason).int(r.failingSince).int(r.succeededAt).int(int64(r.told)).int(n).run(); err != nil {
			return fmt.Errorf("write endpoint: %w", err)
		}
	}
	return nil
}
