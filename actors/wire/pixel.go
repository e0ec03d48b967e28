package wire

import (
	"encoding/json"
	"net/netip"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/leadwire/leadwire/actors/domain"
)

// HereHits is hits on their way to their visitor's lane. On one node they are handed over as they are; they turn
// into Hits only when they have to cross to another. Most of a small cluster do not, and there are 10,000 a second.
type HereHits struct {
	Visitor domain.VisitorKey
	Hits    []domain.Hit
	// Until is when whoever asks has gone; zero: not known. It stays on the node, whose clock it is of.
	Until time.Time
}

// Address is the visitor's lane.
func (m *HereHits) Address() (kind, id string) { return KindVisitor, m.Visitor.String() }

// ProtoReflect makes it a protobuf message: the Hits it turns into.
func (m *HereHits) ProtoReflect() protoreflect.Message {
	out := &Hits{Account: string(m.Visitor.Account), Visitor: string(m.Visitor.Visitor), Hits: make([]*Hit, 0, len(m.Hits))}
	for _, h := range m.Hits {
		out.Hits = append(out.Hits, FromHit(h))
	}
	return out.ProtoReflect()
}

// Domain is the hits as the core knows them.
func (m *Hits) Domain() []domain.Hit {
	out := make([]domain.Hit, 0, len(m.GetHits()))
	for _, h := range m.GetHits() {
		out = append(out, h.Domain())
	}
	return out
}

// FromReceived is the answer to Hits as it travels.
func FromReceived(received []domain.Received) *KeptHits {
	m := &KeptHits{Seqs: make([]int64, len(received))}
	for i, r := range received {
		if !r.Duplicate {
			m.Seqs[i] = r.Seq
		}
	}
	return m
}

// Domain is the answer as the core knows it.
func (m *KeptHits) Domain() []domain.Received {
	out := make([]domain.Received, len(m.GetSeqs()))
	for i, seq := range m.GetSeqs() {
		out[i] = domain.Received{Duplicate: seq == 0, Seq: seq}
	}
	return out
}

// HereSighted is a Sighted that has not left the node, as HereHits is Hits.
type HereSighted struct {
	Lead      domain.LeadKey
	Sightings []domain.Sighting
}

// Address is the lead that judges them.
func (m *HereSighted) Address() (kind, id string) { return KindLead, m.Lead.String() }

// ProtoReflect makes it a protobuf message: the Sighted it turns into.
func (m *HereSighted) ProtoReflect() protoreflect.Message {
	s := &Sighted{Account: string(m.Lead.Account), Lead: string(m.Lead.Lead)}
	for _, one := range m.Sightings {
		b, err := json.Marshal(one)
		if err != nil { // plain values and times: cannot be; the store still owes it, and recovery tries again
			continue
		}
		s.Sightings = append(s.Sightings, b)
	}
	return s.ProtoReflect()
}

// Domain is the sightings as the core knows them. One that cannot be read is left out: the store owes it.
func (m *Sighted) Domain() []domain.Sighting {
	out := make([]domain.Sighting, 0, len(m.GetSightings()))
	for _, b := range m.GetSightings() {
		var s domain.Sighting
		if json.Unmarshal(b, &s) == nil {
			out = append(out, s)
		}
	}
	return out
}

// FromHit is h as it travels. Slices are shared with h, which must not be changed afterwards.
func FromHit(h domain.Hit) *Hit {
	m := &Hit{
		Account: string(h.Account), Pixel: string(h.Pixel), Visitor: string(h.Visitor), Fresh: h.Fresh,
		Id: string(h.ID), Type: string(h.Type), Name: h.Name, View: h.View,
		Url: h.Page.URL, Path: h.Page.Path, Title: h.Page.Title, Referrer: h.Page.Referrer, Duration: int64(h.Duration),
		UtmSource: h.UTM.Source, UtmMedium: h.UTM.Medium, UtmCampaign: h.UTM.Campaign, UtmTerm: h.UTM.Term, UtmContent: h.UTM.Content,
		Phone: h.Phone, Ip: h.Address.AsSlice(), UserAgent: h.UserAgent, Country: h.Country, State: h.State, Gpc: h.GPC,
		Body: h.Body, OccurredAt: nanos(h.OccurredAt), ReceivedAt: nanos(h.ReceivedAt),
	}
	for _, c := range h.Clicks {
		m.Clicks = append(m.Clicks, &Click{Kind: c.Kind, Value: c.Value})
	}
	for _, e := range h.HEMs {
		m.Hems = append(m.Hems, &HEM{Variant: e.Variant, Md5: e.MD5, Sha1: e.SHA1, Sha256: e.SHA256})
	}
	return m
}

// Domain is the hit as the core knows it.
func (m *Hit) Domain() domain.Hit {
	h := domain.Hit{
		Account: domain.AccountID(m.GetAccount()), Pixel: domain.PixelID(m.GetPixel()), Visitor: domain.VisitorID(m.GetVisitor()),
		Fresh: m.GetFresh(), ID: domain.EventID(m.GetId()), Type: domain.HitType(m.GetType()), Name: m.GetName(), View: m.GetView(),
		Page:     domain.Page{URL: m.GetUrl(), Path: m.GetPath(), Title: m.GetTitle(), Referrer: m.GetReferrer()},
		Duration: time.Duration(m.GetDuration()),
		UTM: domain.UTM{Source: m.GetUtmSource(), Medium: m.GetUtmMedium(), Campaign: m.GetUtmCampaign(),
			Term: m.GetUtmTerm(), Content: m.GetUtmContent()},
		Phone: m.GetPhone(), UserAgent: m.GetUserAgent(), Country: m.GetCountry(), State: m.GetState(), GPC: m.GetGpc(),
		Body: m.GetBody(), OccurredAt: instant(m.GetOccurredAt()), ReceivedAt: instant(m.GetReceivedAt()),
	}
	h.Address, _ = netip.AddrFromSlice(m.GetIp())
	for _, c := range m.GetClicks() {
		h.Clicks = append(h.Clicks, domain.Click{Kind: c.GetKind(), Value: c.GetValue()})
	}
	for _, e := range m.GetHems() {
		h.HEMs = append(h.HEMs, domain.HEM{Variant: e.GetVariant(), MD5: e.GetMd5(), SHA1: e.GetSha1(), SHA256: e.GetSha256()})
	}
	return h
}
