package outbound

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// stage is what an attempt is busy with.
type stage int

const (
	stageSlot    stage = iota // waits for a connection: one that is in use, or the permission to dial
	stageDNS                  //
	stageConnect              //
	stageTLS                  //
	stageWrite                // the request leaves
	stageFirst                // nothing has come back
	stageBody                 // the answer comes in
	stages       = iota
)

// doing completes "it took longer than 15s in all, and was then ...".
var doing = [stages]string{
	"waiting for a connection to become free", "looking the name up", "connecting", "in the TLS handshake", "sending the request",
	"waiting for the first byte of the answer", "reading the answer",
}

// attempt is the diary of one attempt. The transport writes into it from its own goroutines, and a dial that nobody
// waits for any longer may go on after the attempt has ended: so it has a lock, and an end.
type attempt struct {
	mu      sync.Mutex
	now     stage
	since   time.Time
	spent   [stages]time.Duration
	host    string
	address string
	conns   int // connections that the request was given; the second is because the first one was closing
	reused  bool
	shown   bool // a client certificate, if the server asks for one
	asked   bool // it has
	dials   bool // it has no connection, so what a dial reports is its affair
	ended   bool
}

type attemptKey struct{}

func newAttempt(host string) *attempt {
	return &attempt{host: host, since: time.Now(), dials: true}
}

func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	if a == nil {
		a = newAttempt("") // somebody else's dial; nobody will read it
	}
	return a
}

// trace makes the transport write into the diary.
func (a *attempt) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(context.WithValue(ctx, attemptKey{}, a), &httptrace.ClientTrace{
		GetConn: func(string) {
			a.with(func() { a.dials = true; a.enter(stageSlot) })
		},
		GotConn: func(info httptrace.GotConnInfo) {
			a.with(func() {
				a.conns++
				a.dials, a.reused = false, info.Reused
				if info.Reused { // whatever was dialled meanwhile is for others
					a.spent[stageDNS], a.spent[stageConnect], a.spent[stageTLS] = 0, 0, 0
				}
				if info.Conn != nil {
					a.address = info.Conn.RemoteAddr().String()
				}
				a.enter(stageWrite)
			})
		},
		TLSHandshakeStart: func() { a.dialling(stageTLS, "") },
		WroteRequest: func(wrote httptrace.WroteRequestInfo) {
			if wrote.Err == nil {
				a.forward(stageFirst)
			}
		},
		GotFirstResponseByte: func() { a.forward(stageBody) },
	})
}

func (a *attempt) with(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ended {
		change()
	}
}

// enter begins a stage, and books the time since the last one began.
func (a *attempt) enter(s stage) {
	now := time.Now()
	a.spent[a.now] += now.Sub(a.since)
	a.now, a.since = s, now
}

// forward enters a stage unless the attempt is beyond it: an endpoint may answer before it was asked.
func (a *attempt) forward(s stage) {
	a.with(func() {
		if a.now < s {
			a.enter(s)
		}
	})
}

// dialling is what the attempt's own dial is at. Address is kept when it is given.
func (a *attempt) dialling(s stage, address string) {
	a.with(func() {
		if !a.dials {
			return
		}
		if address != "" {
			a.address = address
		}
		a.enter(s)
	})
}

// askedFor notes that a server wants to know who we are.
func (a *attempt) askedFor() { a.with(func() { a.asked = a.asked || a.dials }) }

// end closes the diary. What it says then stays as it is.
func (a *attempt) end() record {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := a.now
	a.enter(last)
	a.ended = true
	r := record{last: last, slot: a.spent[stageSlot], host: a.host, address: a.address, conns: a.conns, reused: a.reused, shown: a.shown, asked: a.asked, phases: domain.Phases{
		DNS: a.spent[stageDNS], Connect: a.spent[stageConnect], TLS: a.spent[stageTLS], First: a.spent[stageFirst], Body: a.spent[stageBody],
	}}
	return r
}

// record is a closed diary.
type record struct {
	last    stage
	slot    time.Duration
	phases  domain.Phases
	host    string
	address string
	conns   int
	reused  bool
	shown   bool
	asked   bool
}
