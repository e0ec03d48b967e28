package pixel

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// reader reads one hit. It stops at the first fault.
type reader struct {
	p      *Request
	item   *Item
	at     time.Time // by the sender's clock
	utm    bool      // the hit names its marks itself: the URL's do not count
	clicks bool      // and its click ids
}

// read reads the nth hit of a request.
func read(v strictjson.Value, n int, p *Request) Item {
	item := Item{Hit: domain.Hit{
		Visitor: p.Visitor, Fresh: p.Fresh, Address: p.Address, UserAgent: p.UserAgent,
		Country: p.Country, State: p.State, GPC: p.GPC, ReceivedAt: p.ReceivedAt,
	}}
	if p.Pixel != nil {
		item.Hit.Account, item.Hit.Pixel = p.Pixel.Account, p.Pixel.Pixel.ID
	}
	r := reader{p: p, item: &item}
	item.Refusal = r.read(v, n)
	if item.Refusal != nil {
		return Item{Hit: domain.Hit{ID: item.Hit.ID}, Refusal: item.Refusal}
	}
	return item
}

func (r *reader) read(v strictjson.Value, n int) *Refusal {
	if v.Kind() != strictjson.Object {
		return refuse("", source.Type)
	}
	text := v.Text()
	if len(text) > MaxItem {
		return refuse("", Length)
	}
	for m := range v.Children() {
		if fault := r.member(m); fault != nil {
			return fault
		}
	}
	if r.p.Server {
		if fault := r.server(v); fault != nil {
			return fault
		}
	}
	h := &r.item.Hit
	if h.Body == nil {
		h.Body = []byte(text)
	}
	if h.ID == "" {
		h.ID, r.item.WeakID = r.name(text, n), true
	}
	h.OccurredAt = r.occurred()
	if !r.utm {
		h.UTM = r.marks(h.Page.URL)
	}
	if !r.clicks {
		h.Clicks = r.clicksOf(h.Page.URL)
	}
	return r.whole()
}

// whole checks what a hit of its type has to have.
func (r *reader) whole() *Refusal {
	h := &r.item.Hit
	switch h.Type {
	case "":
		return refuse("type", source.Required)
	case domain.Custom:
		if h.Name == "" {
			return refuse("name", source.Required)
		}
	case domain.Identify:
		if len(h.HEMs) == 0 && h.Phone == "" && r.item.Email == "" && r.item.Phone == "" {
			return refuse("hems", source.Required)
		}
	}
	if h.Page.URL == "" && (!r.p.Server || h.Type == domain.PageView) {
		return refuse("url", source.Required)
	}
	if h.Type != domain.Identify {
		h.HEMs, h.Phone, r.item.Email, r.item.Phone = nil, "", "", ""
	}
	return nil
}

// member reads what a page and a server may both say. Null is as if it were not there; so is what we do not
// know: a newer script may say more.
func (r *reader) member(m strictjson.Value) *Refusal {
	if m.Kind() == strictjson.Null {
		return nil
	}
	h := &r.item.Hit
	switch m.Key() {
	case "id":
		return r.id(m)
	case "type":
		return r.kind(m)
	case "name":
		return word(m, "name", maxName, &h.Name)
	case "view":
		return word(m, "view", maxView, &h.View)
	case "url":
		return r.url(m)
	case "title":
		return r.text(m, "title", maxTitle, &h.Page.Title)
	case "referrer":
		return r.text(m, "referrer", maxURL, &h.Page.Referrer)
	case "at":
		return r.time(m)
	case "duration":
		return r.duration(m)
	case "utm":
		return r.givenUTM(m)
	case "clicks":
		return r.givenClicks(m)
	case "hems":
		return r.hems(m)
	case "phone":
		return r.phone(m)
	case "email":
		return r.email(m)
	}
	return nil
}

func refuse(field, rule string) *Refusal { return &Refusal{field, rule} }

func (r *reader) id(m strictjson.Value) *Refusal {
	if m.Kind() != strictjson.String {
		return refuse("id", source.Type)
	}
	id := m.Text()
	if id != "" && !domain.CheckForeignID(id) {
		return refuse("id", source.Form)
	}
	r.item.Hit.ID = domain.EventID(id)
	return nil
}

func (r *reader) kind(m strictjson.Value) *Refusal {
	if m.Kind() != strictjson.String {
		return refuse("type", source.Type)
	}
	switch t := domain.HitType(m.Text()); t {
	case domain.PageView, domain.PageLeave, domain.Identify, domain.Custom:
		r.item.Hit.Type = t
		return nil
	}
	return refuse("type", source.Form)
}

// name is the id of a hit that came without one. It is made of the text as it came, what the evidence leaves
// out included: two people who differ in nothing else are two hits, and so is another text in the same place
// under a key that was used before.
func (r *reader) name(text string, n int) domain.EventID {
	h := &r.item.Hit
	sum := sha256.New()
	sum.Write([]byte(string(h.Pixel) + "\n" + string(r.item.Pixel) + "\n" + string(h.Visitor) + "\n" + text))
	digest := hex.EncodeToString(sum.Sum(nil)[:16])
	if r.p.IDs != "" {
		return domain.EventID(r.p.IDs + "-" + strconv.Itoa(n) + "-" + digest)
	}
	return domain.EventID("w-" + digest)
}
