package httpedge_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/leadwire/leadwire/actors/delivery/schema"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// A validator that is given a schema's URL finds all of it here, references included.
func TestSchemas_ResolveWhereTheyAreServed(t *testing.T) {
	t.Parallel()
	e := start(t)
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(jsonschema.SchemeURLLoader{"http": loader(func(url string) (any, error) {
		r, err := e.http.Get(url)
		if err != nil {
			return nil, err
		}
		defer r.Body.Close()
		require.Equal(t, http.StatusOK, r.StatusCode, url)
		require.Equal(t, "application/schema+json", r.Header.Get("Content-Type"))
		require.Equal(t, "*", r.Header.Get("Access-Control-Allow-Origin"))
		return jsonschema.UnmarshalJSON(r.Body)
	})})
	for _, typ := range slices.Concat(domain.AnnouncementTypes(), domain.OperationalTypes()) {
		_, err := compiler.Compile(e.url + "/schemas/v1/" + string(typ) + ".json")
		require.NoError(t, err)
	}
	for _, name := range schema.Names() {
		text, _ := schema.Read(name)
		require.True(t, json.Valid(text), name)
	}
	for _, path := range []string{"/schemas/", "/schemas/v1", "/schemas/v1/", "/schemas/v1/none.json", "/schemas/schema.go", "/schemas/v1/%2e%2e/v1/defs.jsonx"} {
		require.Equal(t, http.StatusNotFound, e.get(t, path, domain.BuyerKey{}).status, path)
	}
}

type loader func(url string) (any, error)

func (l loader) Load(url string) (any, error) { return l(url) }
