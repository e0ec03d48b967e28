package delivery_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

func nobody(domain.PersonID) (domain.Person, bool) { return domain.Person{}, false }

// Whatever a payload says of somebody, suppressions can be asked by it.
func TestRecheck(t *testing.T) {
	t.Parallel()
	visitor := `{"account":"acme","event":{"source":"pixel"},"person":{"id":"p-1","business_email":"ada@work.example","phones":["+14155550100"],"country":"US"},
		"hems":[{"variant":"lower","md5":"0cc175b9c0f1b6a831c399e269772661"}],"company":{"domain":"corp.example"},
		"visit":{"pixel":"shop","country":"DE","state":"BE","page":{"path":"/pricing"}}}`
	s, ok, err := delivery.Recheck(json.RawMessage(visitor), nobody)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, domain.AccountID("acme"), s.Account)
	require.Equal(t, domain.PersonID("p-1"), s.Person)
	require.Equal(t, domain.PixelID("shop"), s.Pixel)
	require.Subset(t, s.HEMs, identity.HEMs("ada@work.example"))
	require.Contains(t, s.HEMs, domain.HEM{Variant: "lower", MD5: "0cc175b9c0f1b6a831c399e269772661"})
	require.Len(t, s.Phones, 1)
	require.ElementsMatch(t, []string{"work.example", "corp.example"}, s.Companies)
	require.ElementsMatch(t, []identity.Region{{Country: "US"}, {Country: "DE", State: "BE"}}, s.Regions)
	require.Equal(t, []string{"/pricing"}, s.Paths)

	entered := `{"account":"acme","event":{"source":"pixel"},"contact":{"email":"ada@home.example","phone":"+14155550100","channel":"shop","website":"corp.example"}}`
	s, ok, err = delivery.Recheck(json.RawMessage(entered), nobody)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, identity.HEMs("ada@home.example"), s.HEMs)
	require.Len(t, s.Phones, 1)
	require.Contains(t, s.Companies, "corp.example")
	require.Equal(t, domain.PixelID("shop"), s.Pixel)

	_, ok, err = delivery.Recheck(json.RawMessage(`{"account":"acme","event":{"source":"ghl"},"contact":{"email":"ada@home.example"}}`), nobody)
	require.NoError(t, err)
	require.False(t, ok, "a CRM's lead is the account's own")

	_, _, err = delivery.Recheck(json.RawMessage(`{`), nobody)
	require.Error(t, err)
}

// An endpoint has a shape of the account less what it leaves out itself.
func TestEndpointShape(t *testing.T) {
	t.Parallel()
	account := &domain.Account{Shapes: []domain.Shape{{ID: "own", Fields: map[string]string{"First": "person.first_name", "Phones": "person.phones"}}}}
	payload := json.RawMessage(`{"person":{"first_name":"Ada","phones":["+1"]}}`)
	for sentence, row := range map[string]struct {
		endpoint domain.Endpoint
		want     string
	}{
		"the envelope as it is":  {domain.Endpoint{}, string(payload)},
		"less something":         {domain.Endpoint{Omit: []string{"person.phones"}}, `{"person":{"first_name":"Ada"}}`},
		"in a shape":             {domain.Endpoint{Shape: "own"}, `{"First":"Ada","Phones":["+1"]}`},
		"in a shape less a part": {domain.Endpoint{Shape: "own", Omit: []string{"person.phones"}}, `{"First":"Ada","Phones":null}`},
	} {
		shape, err := delivery.EndpointShape(account, &row.endpoint)
		require.NoError(t, err, sentence)
		got, err := shape.Apply(payload)
		require.NoError(t, err, sentence)
		require.JSONEq(t, row.want, string(got), sentence)
	}
	require.Empty(t, account.Shapes[0].Omit, "the account's own stays as it was")
	_, err := delivery.EndpointShape(account, &domain.Endpoint{Shape: "gone"})
	require.ErrorContains(t, err, "shape")
}

// A payload that is anything at all is read or refused, and whoever is in it can be asked about.
func FuzzRecheck(f *testing.F) {
	f.Add(`{"account":"acme","event":{"source":"pixel"},"person":{"id":"p","phones":["+1"],"business_email":"a@b"},"visit":{"page":{"path":"/"}}}`)
	f.Add(`{"event":{"source":"pixel"},"contact":{"email":"a@b.example","fields":{"page":"https://%zz"}}}`)
	f.Add(`{"event":{"source":"pixel"},"contact":[],"hems":[{}]}`)
	all := identity.NewSuppressions(nil)
	f.Fuzz(func(t *testing.T, payload string) {
		s, ok, err := delivery.Recheck(json.RawMessage(payload), nobody)
		if err != nil {
			require.False(t, ok)
			return
		}
		_, suppressed := all.Check(s)
		require.False(t, suppressed, "nobody is suppressed")
	})
}
