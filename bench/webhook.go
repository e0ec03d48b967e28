package bench

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"runtime"
	"strconv"
	"sync"
)

// webhook makes the requests of one run: Go High Level contact creations of real shape and size, about
// 800 bytes, each for a contact and an event of its own, signed with Ed25519 over the raw body.
//
// A body is a function of the run and of n, and always of the same length, so a request is one copy of
// a template with its digits and its signature patched in. That is also why signatures can be made
// ahead (see presign): a signature is 64 bytes to keep, and its body is made again when it is sent.
type webhook struct {
	run                  string // 8 hex digits, new for every run
	key                  ed25519.PrivateKey
	host, path, location string
	request              []byte
	body                 int   // where the body begins
	digits               []int // where the 10 digits of n stand
	sig                  int   // where the signature stands, 88 bytes of base64
	signed               [][ed25519.SignatureSize]byte
}

const (
	nDigits   = 10
	nMark     = "##########"
	sigLength = 88
)

// newWebhook builds the template. location is the tenant's locationId, at is the events' own timestamp.
func newWebhook(run, host, path, location, at string, key ed25519.PrivateKey) *webhook {
	body := fmt.Sprintf(ghlContact, location, run, run, at, at, run)
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"User-Agent: leadwire-bench\r\nContent-Length: %d\r\nX-GHL-Signature: ", path, host, len(body))
	w := &webhook{run: run, key: key, host: host, path: path, location: location, sig: len(head)}
	w.request = append([]byte(head), bytes.Repeat([]byte("A"), sigLength)...)
	w.request = append(w.request, "\r\n\r\n"...)
	w.body = len(w.request)
	w.request = append(w.request, body...)
	for from := w.body; ; {
		i := bytes.Index(w.request[from:], []byte(nMark))
		if i < 0 {
			return w
		}
		w.digits = append(w.digits, from+i)
		from += i + nDigits
	}
}

// ghlContact is a contact creation as the CRM sends it. The verbs are, in order: location, run, run,
// time, time, run.
const ghlContact = `{"type":"ContactCreate","locationId":"%s","id":"lw%s##########",` +
	`"address1":"3535 1st St N","city":"Dolomite","state":"AL","country":"US","postalCode":"35061",` +
	`"companyName":"Loadwell Roofing ##########","website":"https://roofing.example","source":"Facebook lead form",` +
	`"dateAdded":"2026-11-22T09:00:00.000Z","dateOfBirth":"1987-04-02","dnd":false,` +
	`"dndSettings":{"SMS":{"status":"active","message":"opted in","code":"101"}},` +
	`"email":"contact-%s-##########@mail.example","name":"Deboorah Loadwell","firstName":"Deboorah","lastName":"Loadwell",` +
	`"phone":"+1##########","tags":["web","roof repair"],"attachments":[],"assignedTo":"nlqRgs0N6kQZ7kUVLZ1s",` +
	`"customFields":[{"id":"BcdmQsmUuKR1vJqKlQ1n","value":"Asphalt shingle"}],"dateUpdated":"%s","timestamp":"%s",` +
	`"webhookId":"%s-0000-4000-8000-00##########"}`

// contactPrefix is what a lead of this run can be told by in a stream; 10 digits of n follow it.
func (w *webhook) contactPrefix() string { return "lw" + w.run }

// patch writes n's digits into a request made from the template.
func (w *webhook) patch(request []byte, n int64) {
	var text [nDigits]byte
	v := n
	for i := nDigits - 1; i >= 0; i-- {
		text[i], v = byte('0'+v%10), v/10
	}
	for _, at := range w.digits {
		copy(request[at:], text[:])
	}
}

// build returns request n, ready for the wire. The slice is valid until the next call.
func (w *webhook) build(n int64) []byte {
	w.patch(w.request, n)
	var sig []byte
	if n < int64(len(w.signed)) {
		sig = w.signed[n][:]
	} else {
		sig = ed25519.Sign(w.key, w.request[w.body:])
	}
	base64.StdEncoding.Encode(w.request[w.sig:w.sig+sigLength], sig)
	return w.request
}

// presign makes the signatures of requests 0 to count-1 on all cores, so that the run itself spends no
// time on what a CRM would do on its own machines. 64 bytes each.
func (w *webhook) presign(ctx context.Context, count int64) error {
	saved := make([][ed25519.SignatureSize]byte, count)
	workers := int64(runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			request := bytes.Clone(w.request)
			for n := k; n < count && ctx.Err() == nil; n += workers {
				w.patch(request, n)
				copy(saved[n][:], ed25519.Sign(w.key, request[w.body:]))
			}
		})
	}
	wg.Wait()
	w.signed = saved
	return ctx.Err()
}

// number finds which request of this run an event of a stream belongs to.
func number(data, prefix []byte) (int64, bool) {
	i := bytes.Index(data, prefix)
	if i < 0 || len(data) < i+len(prefix)+nDigits {
		return 0, false
	}
	start := i + len(prefix)
	n, err := strconv.ParseInt(string(data[start:start+nDigits]), 10, 64)
	return n, err == nil && n >= 0
}
