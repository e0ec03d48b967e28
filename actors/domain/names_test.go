package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

func TestNames(t *testing.T) {
	t.Parallel()
	names := domain.NewNames([]string{"nobody", "", "Ann@Shop.example", "+14155550100"})
	for text, want := range map[string]bool{
		`{"email":"ann@shop.example"}`:              true,
		`{"email":"ANN@shop.Example"}`:              true,
		"?m=ann@shop.example&x":                     true,
		"write to ann@shop.example.":                true,
		"ann@shop.example":                          true,
		"joann@shop.example":                        false,
		"jo.ann@shop.example":                       false,
		"jo-ann@shop.example, ann@shop.example too": true,
		"ann@shop.example.mx":                       false,
		"ann@shop.example-mail":                     false,
		"ann@shop.examples":                         false,
		"ünn@shop.example":                          false,
		`tel:+14155550100"`:                         true,
		"+141555501001":                             false,
		`Mail \u003cann@shop.example\u003e`:         true,
		`two lines:\nann@shop.example`:              true,
		"?m%3Dann@shop.example%26x":                 true,
		"?m=jo%2Bann@shop.example":                  false,
		"?m=jo%zzann@shop.example":                  false,
		"":                                          false,
	} {
		require.Equal(t, want, names.In([]byte(text)), text)
	}
	require.False(t, domain.NewNames([]string{""}).In([]byte("anything")), "an empty text names nobody")
	require.False(t, domain.NewNames(nil).In([]byte("anything")))
}
