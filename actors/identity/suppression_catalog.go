package identity

import (
	"errors"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// CheckCatalog says whether everything that a catalog suppresses can be read; the error names the field, as
// in "accounts[0].suppress[2].email".
func CheckCatalog(c domain.Catalog) error {
	var first error
	eachSuppression(c, func(_ domain.Suppression, err error) {
		if first == nil {
			first = err
		}
	})
	return first
}

// eachSuppression reads what a catalog suppresses, one by one.
func eachSuppression(c domain.Catalog, each func(domain.Suppression, error)) {
	for i, one := range c.Suppress {
		s, err := ofCatalog(one, "")
		each(s, under(fmt.Sprintf("suppress[%d]", i), err))
	}
	for i, a := range c.Accounts {
		for n, one := range a.Suppress {
			s, err := ofCatalog(one, a.ID)
			each(s, under(fmt.Sprintf("accounts[%d].suppress[%d]", i, n), err))
		}
	}
}

// ofCatalog reads one; its scope is that of the narrowest thing that is named.
func ofCatalog(c domain.CatalogSuppression, account domain.AccountID) (domain.Suppression, error) {
	scope := domain.GlobalScope
	switch {
	case c.Pixel != "":
		scope = domain.PixelScope
	case account != "":
		scope = domain.AccountScope
	}
	var kind domain.SuppressionKind
	var value string
	given := 0
	for _, f := range []struct {
		kind  domain.SuppressionKind
		value string
	}{
		{domain.SuppressEmail, c.Email}, {domain.SuppressPhone, c.Phone}, {domain.SuppressPerson, c.Person},
		{domain.SuppressCompany, c.Company}, {domain.SuppressRegion, c.Region}, {domain.SuppressNetwork, c.Network},
		{domain.SuppressPath, c.Path},
	} {
		if f.value != "" {
			kind, value = f.kind, f.value
			given++
		}
	}
	if given != 1 {
		return domain.Suppression{}, domain.FailField(suppressing, "", "must have exactly one of email, phone, person, company, region, network and path")
	}
	s, err := NewSuppression(scope, account, c.Pixel, kind, value, c.Reason, time.Time{})
	var fault *domain.Error
	if errors.As(err, &fault) && fault.Field == "value" {
		fault.Field = string(kind)
	}
	return s, err
}

// under puts a path before the field of an error.
func under(path string, err error) error {
	var fault *domain.Error
	if !errors.As(err, &fault) {
		return err
	}
	if fault.Field != "" {
		path += "." + fault.Field
	}
	fault.Field = path
	return err
}
