package pixel

import (
	"net/netip"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// server reads what only a server may say of a hit: what of a page's the request says.
func (r *reader) server(v strictjson.Value) *Refusal {
	h := &r.item.Hit
	for m := range v.Children() {
		var to *string
		var limit int
		switch m.Key() {
		case "pixel":
			to, limit = (*string)(&r.item.Pixel), domain.MaxForeignID
		case "visitor":
			to, limit = (*string)(&h.Visitor), uuidLength
		case "country":
			to, limit = &h.Country, 2
		case "state":
			to, limit = &h.State, maxRegion
		case "user_agent":
			if m.Kind() == strictjson.Null {
				continue
			}
			if fault := r.text(m, "user_agent", MaxUserAgent, &h.UserAgent); fault != nil {
				return fault
			}
			continue
		case "ip":
			if fault := r.ip(m); fault != nil {
				return fault
			}
			continue
		case "gpc":
			if fault := r.gpc(m); fault != nil {
				return fault
			}
			continue
		default:
			continue
		}
		if m.Kind() == strictjson.Null {
			continue
		}
		if fault := word(m, m.Key(), limit, to); fault != nil {
			return fault
		}
	}
	return r.placed(v)
}

// placed checks what server has read, and keeps what is in clear out of the evidence.
func (r *reader) placed(v strictjson.Value) *Refusal {
	h := &r.item.Hit
	switch visitor, ok := Visitor(string(h.Visitor)); {
	case r.item.Pixel == "":
		return refuse("pixel", source.Required)
	case h.Visitor == "":
		return refuse("visitor", source.Required)
	case !ok:
		return refuse("visitor", source.Form)
	default:
		h.Visitor = visitor
	}
	var ok bool
	if h.Country, ok = Country(h.Country); !ok {
		return refuse("country", source.Form)
	}
	if h.State, ok = State(h.State); !ok {
		return refuse("state", source.Form)
	}
	h.Body = evidence(v, r.item.Phone != "")
	return nil
}

// gpc is the opt-out that the browser sent to the server, as Sec-GPC.
func (r *reader) gpc(m strictjson.Value) *Refusal {
	switch m.Kind() {
	case strictjson.Null:
	case strictjson.Bool:
		r.item.Hit.GPC = m.Text() == "true"
	default:
		return refuse("gpc", source.Type)
	}
	return nil
}

func (r *reader) ip(m strictjson.Value) *Refusal {
	if m.Kind() == strictjson.Null {
		return nil
	}
	if m.Kind() != strictjson.String {
		return refuse("ip", source.Type)
	}
	a, err := netip.ParseAddr(m.Text())
	if err != nil {
		return refuse("ip", source.Form)
	}
	r.item.Hit.Address = a.Unmap().WithZone("")
	return nil
}
