package postgres

import (
	"context"
	"github.com/leadwire/leadwire/actors/domain"
)

func (s *Store) Erase(context.Context, domain.Erasure) (domain.Erased, error) {
	return domain.Erased{}, domain.Fail("erase", domain.Unavailable, nil)
}
