package pixel

import (
	"strconv"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// The variants of a hashed e-mail; see domain.HEM.
const (
	variantLower = "lower"
	variantGmail = "gmail_canonical"
)

const (
	md5Digits    = 32
	sha1Digits   = 40
	sha256Digits = 64
)

// hems reads hashed e-mails. One that is no hash refuses the hit: it may be an e-mail.
func (r *reader) hems(m strictjson.Value) *Refusal {
	if m.Kind() != strictjson.Array {
		return refuse("hems", source.Type)
	}
	n := 0
	for one := range m.Children() {
		field := "hems[" + strconv.Itoa(n) + "]"
		if n++; n > maxHEMs {
			return refuse("hems", source.Count)
		}
		hem, fault := readHEM(one, field)
		if fault != nil {
			return fault
		}
		r.item.Hit.HEMs = append(r.item.Hit.HEMs, hem)
	}
	return nil
}

func readHEM(v strictjson.Value, field string) (h domain.HEM, fault *Refusal) {
	if v.Kind() != strictjson.Object {
		return h, refuse(field, source.Type)
	}
	for m := range v.Children() {
		switch m.Key() {
		case "variant":
			h.Variant = m.Text()
		case "md5":
			fault = hash(m, field+".md5", md5Digits, &h.MD5)
		case "sha1":
			fault = hash(m, field+".sha1", sha1Digits, &h.SHA1)
		case "sha256":
			fault = hash(m, field+".sha256", sha256Digits, &h.SHA256)
		}
		if fault != nil {
			return h, fault
		}
	}
	switch {
	case h.Variant != variantLower && h.Variant != variantGmail:
		return h, refuse(field+".variant", source.Form)
	case h.MD5 == "" && h.SHA1 == "" && h.SHA256 == "":
		return h, refuse(field, source.Required)
	}
	return h, nil
}

func hash(m strictjson.Value, field string, digits int, to *string) *Refusal {
	if m.Kind() == strictjson.Null || m.Kind() == strictjson.String && m.Text() == "" {
		return nil
	}
	if m.Kind() != strictjson.String {
		return refuse(field, source.Type)
	}
	var ok bool
	if *to, ok = digest(m.Text(), digits); !ok {
		return refuse(field, Clear)
	}
	return nil
}

// phone is the hash of one; in clear it is a server's alone to send.
func (r *reader) phone(m strictjson.Value) *Refusal {
	if m.Kind() != strictjson.String {
		return refuse("phone", source.Type)
	}
	text := m.Text()
	if sum, ok := digest(text, sha256Digits); ok {
		r.item.Hit.Phone = sum
		return nil
	}
	if text == "" {
		return nil
	}
	if !r.p.Server {
		return refuse("phone", Clear)
	}
	if len(text) > maxPhone {
		return refuse("phone", Length)
	}
	r.item.Phone = text
	return nil
}

// email is in clear, or a hash that package identity can tell: both are a server's alone to send.
func (r *reader) email(m strictjson.Value) *Refusal {
	switch {
	case !r.p.Server:
		return refuse("email", Clear)
	case m.Kind() != strictjson.String:
		return refuse("email", source.Type)
	case len(m.Text()) > maxEmail:
		return refuse("email", Length)
	}
	r.item.Email = m.Text()
	return nil
}

const (
	maxEmail = 320 // RFC 3696: 64 before the @, 255 behind it
	maxPhone = 64  // E.164 has 15 digits; separators are tolerated
)
