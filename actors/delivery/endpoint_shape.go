package delivery

import (
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

// EndpointShape is how an endpoint wants the envelope: one of the account's shapes, less what the endpoint leaves out.
func EndpointShape(account *domain.Account, e *domain.Endpoint) (*Shape, error) {
	shape := domain.Shape{ID: string(e.ID)}
	if e.Shape != "" {
		i := slices.IndexFunc(account.Shapes, func(s domain.Shape) bool { return s.ID == e.Shape })
		if i < 0 {
			return nil, domain.FailField("find shape", "shape", "is not a shape of the account")
		}
		shape = account.Shapes[i]
	}
	shape.Omit = append(slices.Clip(shape.Omit), e.Omit...)
	return NewShape(shape)
}
