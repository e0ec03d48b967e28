package pixel

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
)

const (
	visitor = "0b9a1c2d-3e4f-4a5b-8c6d-7e8f90a1b2c3"
	md5sum  = "84059b07d4be67b806386c0aad8070a2"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a value

func page() Request {
	return Request{
		Pixel:   &domain.DirectoryPixel{Account: "acme", Pixel: domain.Pixel{ID: "shop", Origins: []string{"https://shop.example"}}},
		Visitor: visitor, Address: netip.MustParseAddr("203.0.113.1"), UserAgent: "Firefox", SentAt: noon.Add(time.Hour), ReceivedAt: noon,
	}
}

func server() Request { return Request{Server: true, IDs: "order-17", ReceivedAt: noon} }

// one reads a body that is one hit.
func one(t *testing.T, body string, p Request) Item {
	t.Helper()
	items, err := Parse([]byte(body), p)
	require.NoError(t, err)
	require.Len(t, items, 1)
	return items[0]
}

// view is a page view with more members.
func view(more string) string {
	return `{"id":"h1","type":"page_view","url":"https://shop.example/"` + more + `}`
}

// What refuses a hit, by field and rule.
func TestParse_Refuses(t *testing.T) {
	t.Parallel()
	sha := strings.Repeat("a", 64)
	for name, row := range map[string]struct {
		body, field, rule string
	}{
		"what is no object":                   {`[1]`, "", source.Type},
		"no type":                             {`{"url":"https://shop.example/"}`, "type", source.Required},
		"a type that there is not":            {`{"type":"click","url":"https://shop.example/"}`, "type", source.Form},
		"no page":                             {`{"type":"page_view"}`, "url", source.Required},
		"a page that is none":                 {`{"type":"page_view","url":"shop.example"}`, "url", source.Form},
		"a file":                              {`{"type":"page_view","url":"file:///etc/passwd"}`, "url", source.Form},
		"a script":                            {`{"type":"page_view","url":"javascript://shop.example/%0aalert(1)"}`, "url", source.Form},
		"a page with a password":              {`{"type":"page_view","url":"https://me:pw@shop.example/"}`, "url", source.Form},
		"a page with markup":                  {`{"type":"page_view","url":"https://shop.example/<b>"}`, "url", source.Form},
		"a page of somebody else":             {`{"type":"page_view","url":"https://evil.example/"}`, "url", Origin},
		"an id no store takes":                {`{"id":"a/b","type":"page_view","url":"https://shop.example/"}`, "id", source.Form},
		"an id that is a number":              {`{"id":1,"type":"page_view","url":"https://shop.example/"}`, "id", source.Type},
		"a view that is too long":             {view(`,"view":"` + strings.Repeat("a", 65) + `"`), "view", Length},
		"a title that is a list":              {view(`,"title":["a"]`), "title", source.Type},
		"a time before there was one":         {view(`,"at":0`), "at", source.Form},
		"a time in words":                     {view(`,"at":"2026-11-22T12:00:00Z"`), "at", source.Type},
		"a time without end":                  {view(`,"at":1e999`), "at", source.Form},
		"a negative duration":                 {view(`,"duration":-1`), "duration", source.Form},
		"a custom hit without a name":         {`{"type":"custom","url":"https://shop.example/"}`, "name", source.Required},
		"a name with spaces":                  {`{"type":"custom","name":"add to cart","url":"https://shop.example/"}`, "name", source.Form},
		"an e-mail in clear":                  {`{"type":"identify","url":"https://shop.example/","email":"a@b.example"}`, "email", Clear},
		"an e-mail in clear on a page view":   {view(`,"email":"a@b.example"`), "email", Clear},
		"an e-mail in a hash's place":         {`{"type":"identify","url":"https://shop.example/","hems":[{"variant":"lower","sha256":"a@b.example"}]}`, "hems[0].sha256", Clear},
		"a phone in clear":                    {`{"type":"identify","url":"https://shop.example/","phone":"+14155552671"}`, "phone", Clear},
		"an identify call that names nobody":  {`{"type":"identify","url":"https://shop.example/","hems":[]}`, "hems", source.Required},
		"a hash of another length":            {`{"type":"identify","url":"https://shop.example/","hems":[{"variant":"lower","md5":"` + sha + `"}]}`, "hems[0].md5", Clear},
		"a variant that there is not":         {`{"type":"identify","url":"https://shop.example/","hems":[{"variant":"upper","sha256":"` + sha + `"}]}`, "hems[0].variant", source.Form},
		"an e-mail without a hash":            {`{"type":"identify","url":"https://shop.example/","hems":[{"variant":"lower"}]}`, "hems[0]", source.Required},
		"eleven e-mails":                      {`{"type":"identify","url":"https://shop.example/","hems":[` + strings.Repeat(`{"variant":"lower","sha256":"`+sha+`"},`, 10) + `{"variant":"lower","sha256":"` + sha + `"}]}`, "hems", source.Count},
		"marks that are a list":               {view(`,"utm":[]`), "utm", source.Type},
		"a mark that is a number":             {view(`,"utm":{"source":1}`), "utm.source", source.Type},
		"a click id without a kind":           {view(`,"clicks":[{"value":"x"}]`), "clicks[0].kind", source.Type},
		"more evidence than one hit may have": {view(`,"title":"` + strings.Repeat("a", MaxItem) + `"`), "", Length},
	} {
		body := row.body
		if !strings.HasPrefix(body, "[") {
			body = "[" + body + "]"
		}
		got := one(t, body, page())
		require.NotNil(t, got.Refusal, name)
		require.Equal(t, Refusal{row.field, row.rule}, *got.Refusal, name)
		require.Contains(t, Rules(), got.Refusal.Rule)
		require.Empty(t, got.Hit.Body, "%s: nothing of it is kept", name)
	}
}

// A body that two readers could read differently is refused whole, and its answer repeats no more of it than
// one needs to find the place.
func TestParse_RefusesABody(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 1000)
	for name, row := range map[string]struct{ body, field, rule string }{
		"no JSON":         {`id=1`, "", source.JSON},
		"a key twice":     {`{"type":"page_view","type":"custom"}`, "type", source.Duplicate},
		"a long one":      {`{"` + long + `":1,"` + long + `":2}`, long[:61] + "…", source.Duplicate},
		"a list of none":  {`[]`, "", source.Count},
		"a number":        {`1`, "", source.Type},
		"nested too deep": {strings.Repeat("[", 13) + strings.Repeat("]", 13), "", source.Depth},
	} {
		_, err := Parse([]byte(row.body), page())
		var e *domain.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, row.field, e.Field, name)
		var rule source.Rule
		require.ErrorAs(t, err, &rule, name)
		require.Equal(t, row.rule, rule.Name, name)
	}
}

// What is cut, left out or taken from elsewhere.
func TestParse_MakesValuesFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 400)
	for name, row := range map[string]struct {
		body string
		want func(*domain.Hit)
		cut  int
	}{
		"nothing to do":                     {view(""), func(*domain.Hit) {}, 0},
		"null is nothing":                   {view(`,"title":null,"hems":null,"at":null`), func(*domain.Hit) {}, 0},
		"what we do not know is left alone": {view(`,"later":{"a":[1]}`), func(*domain.Hit) {}, 0},
		"a fragment is no part of a page":   {`{"id":"h1","type":"page_view","url":"https://shop.example/#a?utm_source=x"}`, func(*domain.Hit) {}, 0},
		"a title is cut between characters": {view(`,"title":"a` + long + `"`), func(h *domain.Hit) { h.Page.Title = "a" + long[:298] }, 1},
		"control characters are spaces":     {view(`,"title":"a\u0000b\n"`), func(h *domain.Hit) { h.Page.Title = "a b " }, 0},
		"a host alone is its root":          {`{"id":"h1","type":"page_view","url":"https://shop.example"}`, func(h *domain.Hit) { h.Page.URL = "https://shop.example" }, 0},
		"a host with a query too":           {`{"id":"h1","type":"page_view","url":"https://shop.example?a=b"}`, func(h *domain.Hit) { h.Page.URL = "https://shop.example?a=b" }, 0},
		"marks and click ids are the URL's": {`{"id":"h1","type":"page_view","url":"https://shop.example/?utm_source=a+b&utm_medium=%C3%A4&utm_source=c&fbclid=F&gclid=&x=gclid"}`, func(h *domain.Hit) {
			h.Page.URL += "?utm_source=a+b&utm_medium=%C3%A4&utm_source=c&fbclid=F&gclid=&x=gclid"
			h.UTM = domain.UTM{Source: "a b", Medium: "ä"}
			h.Clicks = []domain.Click{{Kind: "fbclid", Value: "F"}}
		}, 0},
		"but what is given wins": {`{"id":"h1","type":"page_view","url":"https://shop.example/?utm_source=a&gclid=b","utm":{"term":"t","odd":1},"clicks":[{"kind":"irclickid","value":"I"}]}`, func(h *domain.Hit) {
			h.Page.URL += "?utm_source=a&gclid=b"
			h.UTM.Term = "t"
			h.Clicks = []domain.Click{{Kind: "irclickid", Value: "I"}}
		}, 0},
		"a click id is whole or not at all":   {view(`,"clicks":[{"kind":"gclid","value":"` + strings.Repeat("a", 513) + `"}]`), func(*domain.Hit) {}, 1},
		"a day is the longest time on a page": {view(`,"duration":1e15`), func(h *domain.Hit) { h.Duration = 24 * time.Hour }, 1},
		"parts of milliseconds are left out":  {view(`,"duration":1500.75`), func(h *domain.Hit) { h.Duration = 1500 * time.Millisecond }, 0},
		"hashes are for identify calls":       {view(`,"phone":"` + strings.Repeat("A", 64) + `"`), func(*domain.Hit) {}, 0},
		"escapes that are none stay":          {`{"id":"h1","type":"page_view","url":"https://shop.example/?utm_term=100%"}`, func(h *domain.Hit) { h.Page.URL += "?utm_term=100%"; h.UTM.Term = "100%" }, 0},
	} {
		got := one(t, row.body, page())
		require.Nil(t, got.Refusal, name)
		want := domain.Hit{
			Account: "acme", Pixel: "shop", Visitor: visitor, ID: "h1", Type: domain.PageView,
			Page:    domain.Page{URL: "https://shop.example/", Path: "/"},
			Address: netip.MustParseAddr("203.0.113.1"), UserAgent: "Firefox", Body: []byte(row.body), OccurredAt: noon, ReceivedAt: noon,
		}
		row.want(&want)
		require.Equal(t, want, got.Hit, name)
		require.Equal(t, row.cut, got.Cut, name)
	}
	url := "https://shop.example/" + strings.Repeat("a", 3000)
	got := one(t, `{"id":"h1","type":"page_view","url":"`+url+`"}`, page())
	require.Equal(t, url[:2048], got.Hit.Page.URL)
	require.Equal(t, url[len("https://shop.example"):2048], got.Hit.Page.Path)
	require.Equal(t, 1, got.Cut)
}

// A hit happened as long before it came as the sender's own clock says.
func TestParse_PutsTimesOnOurClock(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		at, sent time.Time
		server   bool
		want     time.Time
	}{
		"a clock an hour ahead":             {noon.Add(time.Hour - time.Minute), noon.Add(time.Hour), false, noon.Add(-time.Minute)},
		"a clock years behind":              {time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2021, 1, 1, 0, 0, 5, 0, time.UTC), false, noon.Add(-5 * time.Second)},
		"a clock that was set back between": {noon.Add(time.Minute), noon, false, noon},
		"no clock":                          {time.Time{}, noon, false, noon},
		"when it was sent is not known":     {noon.Add(-time.Minute), time.Time{}, false, noon.Add(-time.Minute)},
		"nor is it right":                   {noon.Add(time.Minute), time.Time{}, false, noon},
		"older than a page lives":           {noon.Add(-48 * time.Hour), noon, false, noon.Add(-24 * time.Hour)},
		"a server may gather":               {noon.Add(-48 * time.Hour), noon, true, noon.Add(-48 * time.Hour)},
	} {
		p, at := page(), ""
		p.SentAt = row.sent
		if !row.at.IsZero() {
			at = fmt.Sprintf(`,"at":%d`, row.at.UnixMilli())
		}
		if row.server {
			p.Server, at = true, fmt.Sprintf(`,"at":%q,"pixel":"shop"`, row.at.Format(time.RFC3339))
		}
		got := one(t, view(at), p)
		require.Nil(t, got.Refusal, name)
		require.Equal(t, row.want, got.Hit.OccurredAt, name)
	}
}

// A hit without an id is named by what it says, so the same one twice is one.
func TestParse_NamesHitsWithoutAnID(t *testing.T) {
	t.Parallel()
	body := `[{"type":"page_view","url":"https://shop.example/"},{"type":"page_view","url":"https://shop.example/b"},{"id":"","type":"page_view","url":"https://shop.example/"}]`
	items, err := Parse([]byte(body), page())
	require.NoError(t, err)
	again, err := Parse([]byte(body), page())
	require.NoError(t, err)
	seen := map[domain.EventID]bool{}
	for i := range items {
		require.True(t, items[i].WeakID)
		require.True(t, domain.CheckForeignID(string(items[i].Hit.ID)))
		require.Equal(t, items[i].Hit.ID, again[i].Hit.ID)
		seen[items[i].Hit.ID] = true
	}
	require.Len(t, seen, 3)
	p := page()
	p.Visitor = domain.VisitorID("1" + visitor[1:])
	other, err := Parse([]byte(body), p)
	require.NoError(t, err)
	require.NotEqual(t, items[0].Hit.ID, other[0].Hit.ID, "another visitor's is another")
}

// What is in clear is part of a name, though of no evidence: two people who differ in nothing else are two
// hits. So is the text beside a sender's key: another body under the same one is another hit.
func TestParse_NamesTellPeopleApart(t *testing.T) {
	t.Parallel()
	identify := func(p Request, who string) domain.EventID {
		got := one(t, `{"pixel":"shop","visitor":"`+visitor+`","type":"identify",`+who+`}`, p)
		require.Nil(t, got.Refusal)
		require.True(t, domain.CheckForeignID(string(got.Hit.ID)), got.Hit.ID)
		require.NotContains(t, string(got.Hit.Body), "example")
		return got.Hit.ID
	}
	for _, p := range []Request{{Server: true, ReceivedAt: noon}, server()} {
		seen := map[domain.EventID]bool{}
		for _, who := range []string{`"email":"anna@shop.example"`, `"email":"ben@shop.example"`, `"phone":"+14155552671"`, `"phone":"+14155552672"`} {
			seen[identify(p, who)] = true
			require.Equal(t, identify(p, who), identify(p, who))
		}
		require.Len(t, seen, 4)
	}
}

// A server says what of a page's the request says; what is in clear is handed on beside the hit, and is
// not in its evidence.
func TestParse_Server(t *testing.T) {
	t.Parallel()
	got := one(t, `{"pixel":"shop","visitor":"`+strings.ToUpper(visitor)+`","type":"identify","email":"Anna@Shop.example","phone":"+14155552671",
		"ip":"::ffff:203.0.113.9","user_agent":"App/1","country":"us","state":"ca","title":"a\"b","gpc":true,"at":"2026-11-22T11:00:00Z","name":null,
		"customer":"Anna","n":[1, {"x":null}],"utm":{"source":"ads","who":"Anna"},"clicks":[{"kind":"gclid","value":"G","for":"Anna"}],
		"hems":[{"variant":"lower","md5":"`+md5sum+`","of":"Anna"}]}`, server())
	require.Nil(t, got.Refusal)
	require.True(t, got.Hit.GPC)
	require.Equal(t, domain.PixelID("shop"), got.Pixel)
	require.Equal(t, "Anna@Shop.example", got.Email)
	require.Equal(t, "+14155552671", got.Phone)
	require.Regexp(t, "^order-17-0-[0-9a-f]{32}$", got.Hit.ID)
	require.Equal(t, domain.VisitorID(visitor), got.Hit.Visitor)
	require.Equal(t, netip.MustParseAddr("203.0.113.9"), got.Hit.Address)
	require.Equal(t, []string{"App/1", "US", "CA"}, []string{got.Hit.UserAgent, got.Hit.Country, got.Hit.State})
	require.NotContains(t, string(got.Hit.Body), "Anna")
	require.NotContains(t, string(got.Hit.Body), "1415")
	require.JSONEq(t, `{"pixel":"shop","visitor":"`+strings.ToUpper(visitor)+`","type":"identify",
		"ip":"::ffff:203.0.113.9","user_agent":"App/1","country":"us","state":"ca","title":"a\"b","gpc":true,"at":"2026-11-22T11:00:00Z","name":null,
		"utm":{"source":"ads"},"clicks":[{"kind":"gclid","value":"G"}],"hems":[{"variant":"lower","md5":"`+md5sum+`"}]}`, string(got.Hit.Body))

	for name, row := range map[string]struct{ more, field, rule string }{
		"no pixel":                    {`"visitor":"` + visitor + `"`, "pixel", source.Required},
		"no visitor":                  {`"pixel":"shop"`, "visitor", source.Required},
		"a visitor that is no UUID":   {`"pixel":"shop","visitor":"anna"`, "visitor", source.Form},
		"an address that is none":     {`"pixel":"shop","visitor":"` + visitor + `","ip":"home"`, "ip", source.Form},
		"a country in words":          {`"pixel":"shop","visitor":"` + visitor + `","country":"Germany"`, "country", Length},
		"an e-mail longer than any":   {`"pixel":"shop","visitor":"` + visitor + `","email":"` + strings.Repeat("a", 321) + `"`, "email", Length},
		"a page view without a page":  {`"pixel":"shop","visitor":"` + visitor + `","type":"page_view"`, "url", source.Required},
		"an identify call of nobody":  {`"pixel":"shop","visitor":"` + visitor + `","type":"identify"`, "hems", source.Required},
		"a null is as if not there":   {`"pixel":null,"visitor":"` + visitor + `"`, "pixel", source.Required},
		"an opt-out in words":         {`"pixel":"shop","visitor":"` + visitor + `","gpc":"yes"`, "gpc", source.Type},
		"a time that is not RFC 3339": {`"pixel":"shop","visitor":"` + visitor + `","at":"yesterday"`, "at", source.Form},
	} {
		got := one(t, "{"+row.more+"}", server())
		require.NotNil(t, got.Refusal, name)
		require.Equal(t, Refusal{row.field, row.rule}, *got.Refusal, name)
	}
}

// Whatever comes in, a hit that comes out is fit to be kept, and nothing in clear is part of it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(view("")), false)
	f.Add([]byte(view(`,"at":1763812800000,"duration":1.5,"title":"\ud83d","referrer":"x","utm":{"source":"a"},"clicks":[{"kind":"gclid","value":"x"}]`)), false)
	f.Add([]byte(`[{"type":"identify","url":"https://shop.example/?utm_source=%ff","hems":[{"variant":"lower","md5":"`+md5sum+`"}]},{}]`), false)
	f.Add([]byte(`{"pixel":"shop","visitor":"`+visitor+`","type":"identify","email":"a@b.example","phone":"+1","ip":"::1","country":"DE"}`), true)
	f.Fuzz(func(t *testing.T, body []byte, fromServer bool) {
		p := page()
		if fromServer {
			p = server()
		}
		items, err := Parse(body, p)
		if err != nil {
			var rule source.Rule
			require.ErrorAs(t, err, &rule)
			require.Contains(t, source.Rules(), rule.Name)
			return
		}
		require.NotEmpty(t, items)
		require.LessOrEqual(t, len(items), MaxItems)
		for _, item := range items {
			if item.Refusal != nil {
				require.Contains(t, Rules(), item.Refusal.Rule)
				continue
			}
			fit(t, item)
		}
	})
}

func fit(t *testing.T, item Item) {
	h := item.Hit
	require.True(t, domain.CheckForeignID(string(h.ID)))
	require.Contains(t, domain.HitTypes(), h.Type)
	_, ok := Visitor(string(h.Visitor))
	require.True(t, ok)
	require.True(t, json.Valid(h.Body))
	require.LessOrEqual(t, len(h.Page.URL), maxURL)
	require.LessOrEqual(t, len(h.Page.Title), maxTitle)
	if h.Page.URL != "" {
		require.True(t, strings.HasPrefix(h.Page.Path, "/"), h.Page.URL)
	}
	for _, text := range []string{h.Page.URL, h.Page.Path, h.Page.Title, h.Page.Referrer, h.UserAgent, h.UTM.Source, h.UTM.Term, h.Name, h.View} {
		require.True(t, utf8.ValidString(text))
		require.False(t, strings.ContainsFunc(text, control))
	}
	require.False(t, h.OccurredAt.After(h.ReceivedAt))
	require.LessOrEqual(t, h.Duration, maxDuration)
	for _, hem := range h.HEMs {
		for _, sum := range []string{hem.MD5, hem.SHA1, hem.SHA256} {
			require.True(t, sum == "" || plain(sum, "") && len(sum) >= md5Digits)
		}
	}
	require.True(t, h.Phone == "" || len(h.Phone) == sha256Digits)
	if item.Pixel != "" { // a server's
		var said map[string]any
		require.NoError(t, json.Unmarshal(h.Body, &said))
		require.NotContains(t, said, "email")
		for name := range said {
			require.True(t, isEvidence("", name), name)
		}
	}
}

// What reading a usual page view costs.
func BenchmarkParse(b *testing.B) {
	body := []byte(`[{"id":"5f0e2c6e-93d4-4f0a-9d6c-0a4f3c2b1a00","type":"page_view","view":"6f0e2c6e-93d4-4f0a-9d6c-0a4f3c2b1a00",` +
		`"url":"https://shop.example/shoes/running?utm_source=google&utm_medium=cpc&utm_campaign=autumn&gclid=EAIaIQobChMI8fXm2b6_ggMVh5Z9Ch1x2A","at":1795348800000,` +
		`"title":"Running shoes for every ground | Shop","referrer":"https://www.google.com/"}]`)
	p := page()
	b.ReportAllocs()
	for b.Loop() {
		items, err := Parse(body, p)
		if err != nil || items[0].Refusal != nil {
			b.Fatal(err, items)
		}
	}
}

// Whatever a Referer says, the hit of an image is refused by a rule or fit to be kept.
func FuzzFromImage(f *testing.F) {
	f.Add("https://shop.example/pricing?utm_source=a&gclid=x#top")
	f.Add("https://shop.example/\xff%zz?utm_source=%ff")
	f.Add("")
	f.Fuzz(func(t *testing.T, referer string) {
		p := page()
		p.Visitor = visitor
		item := FromImage(referer, "0190c7e2-0000-7000-8000-000000000001", p)
		if item.Refusal != nil {
			require.Contains(t, Rules(), item.Refusal.Rule)
			return
		}
		fit(t, item)
	})
}
