package outbound

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// A receiver that sends back what it got does not write a credential into a receipt.
func TestSend_ConcealsItsCredential(t *testing.T) {
	t.Parallel()
	basic := base64.StdEncoding.EncodeToString([]byte("ada:pass word?>?"))
	for name, row := range map[string]struct{ value, body, want string }{
		"a token":                {"Bearer t0k3n-1", `{"authorization":"Bearer t0k3n-1"}`, `{"authorization":"Bearer ***"}`},
		"a token, several times": {"Bearer t0k3n-1", "t0k3n-1 t0k3n-1", "*** ***"},
		"a password":             {"Basic " + basic, basic + " is pass word?>?", "*** is ***"},
		"as PHP writes it":       {"Basic " + basic, strings.ReplaceAll(basic, "/", `\/`), "***"},
		"cut by the end":         {"Bearer t0k3n-1", strings.Repeat("x", domain.MaxExcerpt-6) + "t0k3n-1 and more", strings.Repeat("x", domain.MaxExcerpt-6) + "***"},
		"something short":        {"Bearer no", "no", "no"},
		"none":                   {"", "fine", "fine"},
	} {
		w, _ := receiver(t, false, Config{}, func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("Location", "https://x.example/?"+r.Header.Get("Authorization"))
			out.WriteHeader(http.StatusFound)
			_, _ = io.WriteString(out, row.body)
		})
		d := dispatch("https://example.com/")
		if row.value != "" {
			d.Header["Authorization"] = []string{row.value}
		}
		sent := w.Send(t.Context(), d)
		require.Equal(t, row.want, string(sent.Body), name)
		if _, text, _ := strings.Cut(row.value, " "); len(text) >= minConcealed {
			require.NotContains(t, sent.Reason, text, name)
			require.NotContains(t, sent.Header["Location"][0], text, name)
			require.Contains(t, sent.Reason, concealed)
		}
		require.Equal(t, row.value, strings.Join(d.Header["Authorization"], ""), "what was given is as it was")
	}
}
