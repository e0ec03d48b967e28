package provision

import (
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

// kinds are the sources that can be verified and read, each with the check of its keys.
var kinds = map[string]func(domain.Source) error{
	"ghl": func(s domain.Source) error { _, err := signature.NewGHL(s); return err },
}

// Check validates a catalog, the sources' kinds and keys included.
func Check(c domain.Catalog) error { return c.Validate(checkSource) }

func checkSource(s domain.Source) error {
	check, known := kinds[s.Kind]
	if !known {
		names := make([]string, 0, len(kinds))
		for name := range kinds {
			names = append(names, name)
		}
		return domain.FailField("check source", "kind", "must be one of: "+strings.Join(names, ", "))
	}
	return check(s)
}
