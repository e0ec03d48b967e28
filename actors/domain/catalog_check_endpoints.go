package domain

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ownHeaders are set by us: an endpoint's own may not be among them. Those that begin with webhook- or leadwire-
// are ours as well.
var ownHeaders = []string{
	"accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type", "cookie", "expect",
	"host", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
}

func (k *catalogCheck) endpoints(path string, a Account) {
	seen, pixels, shapes := unique{}, unique{}, unique{}
	for _, p := range a.Pixels {
		pixels[string(p.ID)] = true
	}
	for _, s := range a.Shapes {
		shapes[s.ID] = true
	}
	for i, e := range a.Endpoints {
		field := fmt.Sprintf("%s.endpoints[%d]", path, i)
		k.endpoint(field, e, seen)
		for j, p := range e.Pixels {
			if !pixels[string(p)] {
				k.fault(fmt.Sprintf("%s.pixels[%d]", field, j), "%q is not a pixel of this account", p)
			}
		}
		if e.Shape != "" && !shapes[e.Shape] {
			k.fault(field+".shape", "%q is not a shape of this account", e.Shape)
		}
	}
	if a.Operations != "" && !seen[string(a.Operations)] {
		k.fault(path+".operations", "%q is not an endpoint of this account", a.Operations)
	}
}

func (k *catalogCheck) endpoint(path string, e Endpoint, seen unique) {
	k.id(path+".id", string(e.ID), seen)
	if rule := checkEndpointURL(e.URL); rule != "" {
		k.fault(path+".url", "%q %s", e.URL, rule)
	}
	for i, t := range e.Events {
		field := fmt.Sprintf("%s.events[%d]", path, i)
		switch {
		case t.Operational():
			k.fault(field, "%q goes to the account's operations endpoint and to no other: leave it out", t)
		case !slices.Contains(AnnouncementTypes(), t):
			k.fault(field, "%q must be one of: %s", t, join(AnnouncementTypes()))
		case slices.Index(e.Events, t) < i:
			k.fault(field, "%q is there twice", t)
		}
	}
	for i, o := range e.Omit {
		if !checkPath(o) {
			k.fault(fmt.Sprintf("%s.omit[%d]", path, i), "%q must be a path in the envelope, as \"person.phones\"", o)
		}
	}
	if e.Tier != "" && !slices.Contains(Tiers(), e.Tier) {
		k.fault(path+".tier", "%q must be one of: %s", e.Tier, join(Tiers()))
	}
	k.headers(path+".headers", e.Headers)
	if e.Concurrency < 0 || e.Concurrency > MaxConcurrency {
		k.fault(path+".concurrency", "%d must be 0 (the default) to %d", e.Concurrency, MaxConcurrency)
	}
	if !(e.Rate >= 0 && e.Rate <= MaxRate) || (e.Rate > 0 && e.Rate < 0.01) {
		k.fault(path+".rate", "%v must be 0 (no limit), or 0.01 to %d attempts a second", e.Rate, MaxRate)
	}
	k.batch(path+".batch", e)
	k.within(path+".timeout", e.Timeout, MinTimeout, MaxTimeout)
	k.within(path+".terminal", e.Terminal, MinTerminal, MaxTerminal)
	k.within(path+".hold", e.Hold, time.Second, MaxHold)
	k.within(path+".disable_after", e.DisableAfter, MinDisableAfter, MaxDisableAfter)
	k.pauses(path, e.WithDefaults())
}

func (k *catalogCheck) batch(path string, e Endpoint) {
	b := e.Batch
	if b == (Batch{}) {
		return
	}
	if b.Count < MinBatchCount || b.Count > MaxBatchCount {
		k.fault(path+".count", "%d must be %d to %d; without a batch each event goes alone", b.Count, MinBatchCount, MaxBatchCount)
		return
	}
	if b.Bytes != 0 && (b.Bytes < MinBatchBytes || b.Bytes > MaxBatchBytes) {
		k.fault(path+".bytes", "%d must be 0 (the default), or %d to %d", b.Bytes, MinBatchBytes, MaxBatchBytes)
	}
	k.within(path+".delay", b.Delay, MinBatchDelay, MaxBatchDelay)
	if places := e.WithDefaults().Concurrency; places*b.Count > MaxInFlight {
		k.fault(path+".count", "%d with a concurrency of %d must be at most %d events at once", b.Count, places, MaxInFlight)
	}
}

// pauses: an attempt that the terminal time would cut off is a slip of the unit.
func (k *catalogCheck) pauses(path string, e Endpoint) {
	if len(e.Schedule) > MaxPauses {
		k.fault(path+".schedule", "has %d pauses, must have at most %d", len(e.Schedule), MaxPauses)
	}
	var sum time.Duration
	for i, p := range e.Schedule {
		if p < MinPause || p > MaxTerminal {
			k.fault(fmt.Sprintf("%s.schedule[%d]", path, i), "%v must be %v to %v", p, MinPause, MaxTerminal)
			return
		}
		if sum += p + p/10; sum > e.Terminal { // with the most of jitter
			k.fault(fmt.Sprintf("%s.schedule[%d]", path, i), "lies after the terminal time of %v: %v with the pauses before it and 10%% of jitter", e.Terminal, sum)
			return
		}
	}
}

func (k *catalogCheck) headers(path string, headers map[string]string) {
	if len(headers) > MaxHeaders {
		k.fault(path, "has %d, must have at most %d", len(headers), MaxHeaders)
	}
	for name, value := range headers {
		lower := strings.ToLower(name)
		switch {
		case !checkHeaderName(name):
			k.fault(path, "%q is no name of a header", name)
		case slices.Contains(ownHeaders, lower) || strings.HasPrefix(lower, "webhook-") || strings.HasPrefix(lower, "leadwire-"):
			k.fault(path+"."+name, "is set by us")
		case len(value) > MaxHeader || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			k.fault(path+"."+name, "must be at most %d printable ASCII characters", MaxHeader)
		}
	}
}

func checkHeaderName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// checkEndpointURL checks its form; where it leads is checked with every attempt. It answers the rule that is
// broken, "" when none is.
func checkEndpointURL(raw string) string {
	if raw == "" || len(raw) > MaxURL {
		return fmt.Sprintf("must be given, in at most %d bytes", MaxURL)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.Opaque != "":
		return "must be a URL as \"https://hooks.example.com/leads\""
	case u.User != nil:
		return "must not hold a user or a password: they would stand in logs; use a secret of the endpoint"
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return "must not have a fragment: it is never sent"
	}
	return ""
}
