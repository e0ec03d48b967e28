package pixel

import (
	"bytes"
	"encoding/json"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// evidence writes a server's hit again, with the members that we know alone. A server has names and addresses
// at hand; what it says beside the members of a hit is nobody's evidence, and no erasure would look for it.
// phone stays only as a hash: clear leaves it out.
func evidence(v strictjson.Value, clear bool) []byte {
	var b bytes.Buffer
	rewrite(&b, v, "", clear)
	return b.Bytes()
}

// rewrite writes the value of the member in; "" is the hit. What is in an array counts as in the member.
func rewrite(b *bytes.Buffer, v strictjson.Value, in string, clear bool) {
	switch v.Kind() {
	case strictjson.Object:
		b.WriteByte('{')
		n := 0
		for m := range v.Children() {
			if name := m.Key(); isEvidence(in, name) && (name != "phone" || !clear) {
				if n++; n > 1 {
					b.WriteByte(',')
				}
				b.Write(quote(name))
				b.WriteByte(':')
				rewrite(b, m, name, clear)
			}
		}
		b.WriteByte('}')
	case strictjson.Array:
		b.WriteByte('[')
		n := 0
		for one := range v.Children() {
			if n++; n > 1 {
				b.WriteByte(',')
			}
			rewrite(b, one, in, clear)
		}
		b.WriteByte(']')
	case strictjson.String:
		b.Write(quote(v.Text()))
	default:
		b.WriteString(v.Text())
	}
}

// isEvidence says whether a member of a server's hit is kept; in is the member around it. email is not, also
// when it is a hash: the hashes made of it are the hit's.
func isEvidence(in, name string) bool {
	switch in {
	case "":
		switch name {
		case "id", "type", "name", "view", "url", "title", "referrer", "at", "duration", "utm", "clicks", "hems", "phone",
			"pixel", "visitor", "ip", "user_agent", "country", "state", "gpc":
			return true
		}
	case "utm":
		return utmField(new(domain.UTM), name) != nil
	case "clicks":
		return name == "kind" || name == "value"
	case "hems":
		return name == "variant" || name == "md5" || name == "sha1" || name == "sha256"
	}
	return false
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // text always marshals
		return []byte(`""`)
	}
	return b
}
