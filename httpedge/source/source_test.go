package source

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// Whoever sent a key twice is told which, in 64 bytes at most: an answer, a log line and a test observer's row
// stay short whatever was sent.
func TestRefuseText_SaysAKeyInBrief(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ key, want string }{
		"a key as people write them":           {"type", "type"},
		"the longest that is said whole":       {strings.Repeat("k", 64), strings.Repeat("k", 64)},
		"one byte more":                        {strings.Repeat("k", 65), strings.Repeat("k", 61) + "…"},
		"a key that fills a body":              {strings.Repeat("k", 1<<16), strings.Repeat("k", 61) + "…"},
		"one that would be cut in a character": {strings.Repeat("k", 60) + "éclair", strings.Repeat("k", 60) + "…"},
	} {
		err := RefuseText("read hits", &strictjson.Fault{Rule: strictjson.Duplicate, Key: row.key})
		var e *domain.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, domain.Invalid, e.Code, name)
		require.Equal(t, row.want, e.Field, name)
		require.LessOrEqual(t, len(e.Field), 64, name)
	}
}

// What is no fault of the text is none of its sender's.
func TestRefuseText_Ours(t *testing.T) {
	t.Parallel()
	require.Equal(t, domain.Internal, domain.CodeOf(RefuseText("read hits", errors.New("out of memory"))))
}
