package check

import (
	"strings"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// A text is refused by its field, with the rule; what is kept comes back as it was.
func TestTexts(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		text Text
		rule string
	}{
		"a word":                       {Given("id", "e-1"), ""},
		"a word that is not ASCII":     {Given("id", "Zoë-1"), ""},
		"nothing, where it is needed":  {Given("id", ""), "must not be empty"},
		"nothing, where it is not":     {Optional("id", ""), ""},
		"as long as an index takes":    {Given("id", strings.Repeat("x", maxText)), ""},
		"a byte longer":                {Optional("id", strings.Repeat("x", maxText+1)), "is too long"},
		"a NUL":                        {Given("id", "a\x00b"), "must be UTF-8 without NUL"},
		"a NUL behind another letter":  {Given("id", "é\x00"), "must be UTF-8 without NUL"},
		"a NUL before another letter":  {Given("id", "\x00é"), "must be UTF-8 without NUL"},
		"a letter that is cut in half": {Optional("id", "a\xc3"), "must be UTF-8 without NUL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Texts("keep", Given("account", "acme"), row.text)
			if row.rule == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, domain.Invalid, domain.CodeOf(err))
			require.ErrorContains(t, err, row.rule)
			var fault *domain.Error
			require.ErrorAs(t, err, &fault)
			require.Equal(t, "id", fault.Field)
		})
	}
}
