package bench

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// firstProbe is the number of the first probe: beyond every webhook's.
const firstProbe = int64(1) << 40

// probe is an update of a lead whose actor moves. What it changes is looked for at the end.
type probe struct {
	lead    int64 // number of the webhook that it came with
	company string
	request []byte
	strike  *strike
	acked   bool
}

// lead is the key of webhook n's lead.
func (l *fleetLoad) lead(n int64) domain.LeadKey {
	return domain.LeadKey{Account: l.plan.account, Lead: domain.LeadID(fmt.Sprintf("ghl-%s%010d", l.prefix, n))}
}

// newProbe makes an update of the lead of webhook n, signed.
func (l *fleetLoad) newProbe(n int64) *probe {
	k := len(l.probes)
	p := &probe{lead: n, company: fmt.Sprintf("Probe %d", k)}
	p.request = l.webhook.update(n, k, p.company)
	l.probes = append(l.probes, p)
	return p
}

// update is a request that gives contact n another company: the k-th of the run.
func (w *webhook) update(n int64, k int, company string) []byte {
	body := fmt.Appendf(nil, `{"type":"ContactUpdate","locationId":"%s","id":"lw%s%010d","companyName":"%s","timestamp":"%s","webhookId":"%s-0000-4000-8001-00%010d"}`,
		w.location, w.run, n, company, stamped(time.Now()), w.run, k)
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nUser-Agent: leadwire-bench\r\nContent-Length: %d\r\nX-GHL-Signature: %s\r\n\r\n",
		w.path, w.host, len(body), base64.StdEncoding.EncodeToString(ed25519.Sign(w.key, body)))
	return append([]byte(head), body...)
}

// stamped is a moment as the CRM writes it.
func stamped(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// probed takes what became of a probe.
func (l *fleetLoad) probed(p *probe, acked bool, at time.Time) {
	p.acked = acked
	if acked {
		p.strike.answered(p, at)
	}
}
