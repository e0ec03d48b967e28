package httpedge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/stretchr/testify/require"
)

func hashed(t *testing.T, s *site, p *browser.Page) {
	s.open(p, "/")
	const email, phone = " Anna.Bell+News@GoogleMail.com ", "+1 (415) 555-2671"
	p.Evaluate(fmt.Sprintf(`leadwire('identify', { email: %q, phone: %q }), 0`, email, phone), nil)
	hit := s.hits(1, domain.Identify)[0]
	require.Equal(t, identity.HEMs(email), hit.HEMs, "as the server would have hashed it")
	want, _ := identity.PhoneHash(phone)
	require.Equal(t, want, hit.Phone)

	p.Evaluate(`leadwire('identify', 'ÄNNA@shop.example'), 0`, nil)
	require.Equal(t, identity.HEMs("ÄNNA@shop.example"), s.hits(2, domain.Identify)[1].HEMs)
	digest := strings.ToUpper(hit.HEMs[0].SHA1)
	p.Evaluate(fmt.Sprintf(`leadwire('identify', %q), 0`, digest), nil)
	require.Equal(t, identity.ReadEmail(digest), s.hits(3, domain.Identify)[2].HEMs, "a hash already")

	s.open(p, "/next")
	s.hits(2, domain.PageView)
	for _, clear := range []string{"anna", "nna@", "googlemail", "4155552671", "555-2671"} {
		require.NotContains(t, strings.ToLower(s.tap.text()), clear, "in clear, anywhere in what left the browser")
	}
	quietly(t, p)
}

func notHashed(t *testing.T, s *site, p *browser.Page) {
	s.page("/", `<script>Object.defineProperty(crypto, 'subtle', { value: undefined })</script>`) // as on a page without https
	s.open(p, "/")
	p.Evaluate(`leadwire('identify', 'anna@shop.example'), leadwire('identify', 'no mail'), leadwire('track', 'after'), 0`, nil)
	s.hits(1, domain.Custom)
	s.page("/next", "")
	s.open(p, "/next")
	p.Evaluate(`leadwire('identify', 'no mail'), leadwire('identify'), leadwire('identify', { phone: '415 5552671' }), leadwire('nonsense'), leadwire('track', 'after'), 0`, nil)
	s.hits(2, domain.Custom)
	s.hits(0, domain.Identify)
	require.NotContains(t, s.tap.text(), "anna")
	require.NotContains(t, s.tap.text(), "5552671")
	quietly(t, p)
}

func earlyCommands(t *testing.T, s *site, p *browser.Page) {
	s.page("/", stub+`<script>leadwire('identify', 'anna@shop.example'); leadwire('track', 'early')</script>`)
	s.open(p, "/")
	require.Equal(t, "early", s.hits(1, domain.Custom)[0].Name)
	require.Equal(t, identity.HEMs("anna@shop.example"), s.hits(1, domain.Identify)[0].HEMs)
	s.hits(1, domain.PageView)
	quietly(t, p)
}
