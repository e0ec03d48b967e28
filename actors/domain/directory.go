package domain

import "time"

// Directory is a Catalog with the look-ups the hot path needs. It is read-only.
type Directory struct {
	Catalog   Catalog
	sources   map[SourceID]*Source
	locations map[locationKey]Place
	campaigns map[campaignKey]*Routing
	buyers    map[BuyerKey]*DirectoryBuyer
	pixels    map[PixelID]*DirectoryPixel
	accounts  map[AccountID]*Account
	endpoints map[EndpointKey]*Endpoint
}

type (
	locationKey struct {
		source SourceID
		id     string
	}
	campaignKey struct {
		account AccountID
		id      CampaignID
	}
)

// Place is where a source's location leads to.
type Place struct {
	Account  AccountID
	Campaign CampaignID
}

// Routing is a campaign with its buyers resolved, in their order of turns.
type Routing struct {
	Account  AccountID
	Campaign Campaign
	Buyers   []*DirectoryBuyer
}

// DirectoryBuyer is a buyer with its account and its time zone loaded.
type DirectoryBuyer struct {
	Key      BuyerKey
	Buyer    Buyer
	Location *time.Location
}

// DirectoryPixel is a pixel with its account.
type DirectoryPixel struct {
	Account AccountID
	Pixel   Pixel
}

// NewDirectory indexes a catalog that has been validated. An unknown time zone falls back to UTC:
// zone data may differ between the machine that applied the catalog and this one.
func NewDirectory(c Catalog) *Directory {
	d := &Directory{
		Catalog:   c,
		sources:   make(map[SourceID]*Source, len(c.Sources)),
		locations: map[locationKey]Place{},
		campaigns: map[campaignKey]*Routing{},
		buyers:    map[BuyerKey]*DirectoryBuyer{},
		pixels:    map[PixelID]*DirectoryPixel{},
		accounts:  make(map[AccountID]*Account, len(c.Accounts)),
		endpoints: map[EndpointKey]*Endpoint{},
	}
	for i := range c.Sources {
		d.sources[c.Sources[i].ID] = &c.Sources[i]
	}
	for i, a := range c.Accounts {
		d.accounts[a.ID] = &c.Accounts[i]
		d.addAccount(a)
	}
	return d
}

func (d *Directory) addAccount(a Account) {
	for _, b := range a.Buyers {
		zone, err := time.LoadLocation(b.Timezone)
		if err != nil {
			zone = time.UTC
		}
		key := BuyerKey{a.ID, b.ID}
		d.buyers[key] = &DirectoryBuyer{Key: key, Buyer: b, Location: zone}
	}
	for _, c := range a.Campaigns {
		r := &Routing{Account: a.ID, Campaign: c}
		for _, id := range c.Buyers {
			if b := d.buyers[BuyerKey{a.ID, id}]; b != nil {
				r.Buyers = append(r.Buyers, b)
			}
		}
		d.campaigns[campaignKey{a.ID, c.ID}] = r
	}
	for _, p := range a.Pixels {
		d.pixels[p.ID] = &DirectoryPixel{Account: a.ID, Pixel: p}
	}
	for _, e := range a.Endpoints {
		full := e.WithDefaults()
		d.endpoints[EndpointKey{a.ID, e.ID}] = &full
	}
	for _, l := range a.Locations {
		d.locations[locationKey{l.Source, l.ID}] = Place{a.ID, l.Campaign}
	}
}

// Source finds a source by its id, nil when there is none.
func (d *Directory) Source(id SourceID) *Source { return d.sources[id] }

// Location finds whose a source's location is.
func (d *Directory) Location(source SourceID, id string) (Place, bool) {
	p, ok := d.locations[locationKey{source, id}]
	return p, ok
}

// Campaign finds a campaign's routing, nil when there is none.
func (d *Directory) Campaign(account AccountID, id CampaignID) *Routing {
	return d.campaigns[campaignKey{account, id}]
}

// Buyer finds a buyer, nil when there is none.
func (d *Directory) Buyer(key BuyerKey) *DirectoryBuyer { return d.buyers[key] }

// Pixel finds a pixel, nil when there is none.
func (d *Directory) Pixel(id PixelID) *DirectoryPixel { return d.pixels[id] }

// Account finds an account, nil when there is none.
func (d *Directory) Account(id AccountID) *Account { return d.accounts[id] }

// Endpoint finds an endpoint, its defaults filled in, nil when there is none.
func (d *Directory) Endpoint(key EndpointKey) *Endpoint { return d.endpoints[key] }

// Token finds a buyer's token by its id.
func (d *Directory) Token(key BuyerKey, id string) (Token, bool) {
	b := d.buyers[key]
	if b == nil {
		return Token{}, false
	}
	for _, t := range b.Buyer.Tokens {
		if t.ID == id {
			return t, true
		}
	}
	return Token{}, false
}

// Day is the buyer's local day at t, as "2026-11-22".
func (b *DirectoryBuyer) Day(t time.Time) string { return t.In(b.Location).Format(time.DateOnly) }
