package delivery

import (
	"github.com/leadwire/leadwire/actors/domain"
)

// Owing lists the endpoints that an announcement of a type is owed to; pixel is empty for a CRM's lead. A nil one lists
// none.
type Owing func(account domain.AccountID, t domain.AnnouncementType, pixel domain.PixelID) []domain.Owed

func (o Owing) of(account domain.AccountID, t domain.AnnouncementType, pixel domain.PixelID) []domain.Owed {
	if o == nil {
		return nil
	}
	return o(account, t, pixel)
}

// OwedTo asks the catalog. partition says where an endpoint's actor lives.
func OwedTo(account *domain.Account, t domain.AnnouncementType, pixel domain.PixelID, partition func(domain.EndpointKey) domain.Partition) []domain.Owed {
	if account == nil {
		return nil
	}
	var owed []domain.Owed
	for i := range account.Endpoints {
		e := &account.Endpoints[i]
		if account.Sends(e, t, pixel) {
			owed = append(owed, domain.Owed{
				Endpoint: e.ID, Partition: partition(domain.EndpointKey{Account: account.ID, Endpoint: e.ID}), Class: domain.ClassOf(t),
			})
		}
	}
	return owed
}
