package outbound

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// concealed stands where a credential was. It is shorter than any that is looked for.
	concealed = "***"
	// minConcealed is how long a credential, or a beginning of one at the excerpt's end, has to be: what is shorter is also
	// in texts by chance, and its place would give it away.
	minConcealed = 6
)

// conceal takes a dispatch's own credential out of what is kept of the answer: there are receivers that send back whatever
// they got, and a receipt is read by more people than a secret.
func conceal(sent *domain.Sent, given domain.Header) {
	for _, credential := range credentials(given) {
		sent.Body = bytes.ReplaceAll(sent.Body, []byte(credential), []byte(concealed))
		if sent.Truncated {
			sent.Body = concealEnd(sent.Body, credential)
		}
		sent.Reason = strings.ReplaceAll(sent.Reason, credential, concealed)
		for name, values := range sent.Header {
			for i, value := range values {
				sent.Header[name][i] = strings.ReplaceAll(value, credential, concealed)
			}
		}
	}
}

// credentials are the forms in which one comes back: as it was sent, as PHP writes it in JSON, and the password alone.
func credentials(given domain.Header) (all []string) {
	values := given["Authorization"]
	if len(values) != 1 {
		return nil
	}
	scheme, text, _ := strings.Cut(values[0], " ")
	all = []string{text, strings.ReplaceAll(text, "/", `\/`)}
	if scheme == "Basic" {
		if pair, err := base64.StdEncoding.DecodeString(text); err == nil {
			_, password, _ := strings.Cut(string(pair), ":")
			all = append(all, password)
		}
	}
	long := all[:0]
	for _, one := range all {
		if len(one) >= minConcealed {
			long = append(long, one)
		}
	}
	return long
}

// concealEnd is for one that the excerpt's end has cut.
func concealEnd(body []byte, credential string) []byte {
	for n := min(len(credential)-1, len(body)); n >= minConcealed; n-- {
		if bytes.HasSuffix(body, []byte(credential[:n])) {
			return append(body[:len(body)-n], concealed...)
		}
	}
	return body
}
