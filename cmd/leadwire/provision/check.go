package provision

import (
	"errors"
	"fmt"
	"strings"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/glob"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/httpedge/outbound"
)

// kinds are the sources that can be verified and read, each with the check of its keys.
var kinds = map[string]func(domain.Source) error{
	"ghl": func(s domain.Source) error { _, err := signature.NewGHL(s); return err },
}

// Check validates a catalog, and what only those who use it understand of it: the sources' kinds and keys,
// what a suppression names, patterns of paths, fields of the envelope.
func Check(c domain.Catalog) error {
	if err := c.Validate(checkSource); err != nil {
		return err
	}
	faults := []error{identity.CheckCatalog(c)}
	for i, a := range c.Accounts {
		for j, p := range a.Pixels {
			faults = append(faults, checkPixel(fmt.Sprintf("accounts[%d].pixels[%d]", i, j), p)...)
		}
		for j, s := range a.Shapes {
			if _, err := delivery.NewShape(s); err != nil {
				faults = append(faults, under(fmt.Sprintf("accounts[%d].shapes[%d]", i, j), err))
			}
		}
		for j := range a.Endpoints {
			faults = append(faults, checkEndpoint(fmt.Sprintf("accounts[%d].endpoints[%d]", i, j), &c.Accounts[i], &a.Endpoints[j])...)
		}
	}
	return errors.Join(faults...)
}

// checkEndpoint: whether private addresses are allowed is a node's setting, which a catalog does not know. What a URL says
// in more than one way is refused by every node.
func checkEndpoint(path string, a *domain.Account, e *domain.Endpoint) (faults []error) {
	if err := outbound.CheckURL(e.URL, true); err != nil {
		faults = append(faults, under(path, err))
	}
	if _, err := delivery.EndpointShape(a, e); err != nil {
		faults = append(faults, under(path, err))
	}
	return faults
}

func checkPixel(path string, p domain.Pixel) (faults []error) {
	for _, list := range []struct {
		name  string
		globs []string
	}{{"allow", p.Allow}, {"deny", p.Deny}, {"announce.pages", p.Announce.Pages}} {
		for i, g := range list.globs {
			if rule := glob.Check(g); rule != "" {
				faults = append(faults, domain.FailField("check pixel", fmt.Sprintf("%s.%s[%d]", path, list.name, i), rule))
			}
		}
	}
	for i, f := range p.Announce.Segments {
		if !delivery.Known(f.Field) {
			faults = append(faults, domain.FailField("check pixel", fmt.Sprintf("%s.announce.segments[%d].field", path, i),
				fmt.Sprintf("%q is not a field of the envelope", f.Field)))
		}
	}
	return faults
}

// under puts a fault that was found inside of something at the path of that thing.
func under(path string, err error) error {
	var inner *domain.Error
	if errors.As(err, &inner) && inner.Field != "" {
		return &domain.Error{Op: inner.Op, Code: inner.Code, Field: path + "." + inner.Field, Err: inner.Err}
	}
	return err
}

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
