// Package synthetic makes people who do not exist, for demos and benchmarks: with companies, networks, e-mails,
// phones, visitors' ids and click ids.
//
//	Population{Seed, Persons} ──▶ Person(i), Company(i), Network(i) ──▶ Build ──▶ a graph file labelled synthetic
//
// It promises that the same seed makes the same people, each by its number and without the ones before it, and
// that nobody real is met: mail domains are under example.com, example.net and example.org, phones are 555-01xx, networks are
// the documentation's (RFC 5737, RFC 3849), and the file says that it is synthetic.
package synthetic

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph"
)

// Population is a number of people made from a seed.
type Population struct {
	Seed    uint64
	Persons int
}

// perCompany is how many people work at a company.
const perCompany = 40

// clickEvery: one person in so many came by an advertisement.
const clickEvery = 5

// Companies is how many companies there are.
func (p Population) Companies() int { return max(1, (p.Persons+perCompany-1)/perCompany) }

// Label stands in the file.
func (p Population) Label() string {
	return fmt.Sprintf("synthetic: %d people, seed %d", p.Persons, p.Seed)
}

func (p Population) random(kind, i int) *rand.Rand {
	return rand.New(rand.NewPCG(p.Seed, uint64(kind)<<48|uint64(i)))
}

const (
	aPerson = iota
	aCompany
)

// seen is when the first of them was seen; the others follow a second apart.
var seen = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// phones is how many numbers are kept for fiction: 555-0100 to 555-0199 in 800 area codes.
const phones = 80_000

// Person is the row of person i, from 0. It has five keys: the visitor ids of two devices and three digests of
// its e-mail. One in five has a click id too, and the first 80,000 have a phone: there are no more numbers that
// are surely nobody's.
func (p Population) Person(i int) graph.PersonRow {
	r := p.random(aPerson, i)
	place, role := places[r.IntN(len(places))], roles[r.IntN(len(roles))]
	first, last := pick(r, firstNames), pick(r, lastNames)
	name := strings.ToLower(first) + "." + strings.ToLower(last) + "." + strconv.Itoa(i)
	company := CompanyDomain(i / perCompany)
	row := graph.PersonRow{
		Person: domain.Person{
			ID:        domain.PersonID(fmt.Sprintf("synthetic-%08d", i)),
			FirstName: first, LastName: last,
			Title: role.title, Seniority: role.seniority, Department: role.department,
			BusinessEmail: name + "@" + company,
			LinkedIn:      "https://www.linkedin.example/in/" + strings.ReplaceAll(name, ".", "-"),
			City:          place.city, State: place.state, PostalCode: place.postal, Country: "US",
			Company: company,
		},
		Visitors: []string{visitor(r), visitor(r)},
		SeenAt:   seen.Add(time.Duration(i) * time.Second),
	}
	if i%clickEvery == 0 {
		row.Clicks = []domain.Click{{Kind: "gclid", Value: fmt.Sprintf("synthetic-%016x", r.Uint64())}}
	}
	if i < phones {
		row.Phones = []string{fmt.Sprintf("+1%03d55501%02d", 200+i/100, i%100)}
	}
	return row
}

// visitor is a visitor's id as the edge makes them: a random UUID.
func visitor(r *rand.Rand) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], r.Uint64())
	binary.BigEndian.PutUint64(id[8:], r.Uint64())
	id[6], id[8] = id[6]&0x0F|0x40, id[8]&0x3F|0x80
	return id.String()
}

// CompanyDomain is a company's domain, under one of the three names kept for documentation.
func CompanyDomain(i int) string {
	return fmt.Sprintf("%s-%d.example.%s", strings.ToLower(companyNames[i%len(companyNames)]), i, [...]string{"com", "net", "org"}[i%3])
}

// Company is the row of company i, from 0.
func (p Population) Company(i int) graph.CompanyRow {
	r := p.random(aCompany, i)
	trade, place := trades[r.IntN(len(trades))], places[r.IntN(len(places))]
	name := CompanyDomain(i)
	return graph.CompanyRow{
		Company: domain.Company{
			Domain: name, Name: fmt.Sprintf("%s %s %d", companyNames[i%len(companyNames)], pick(r, suffixes), i), Website: "https://" + name,
			Industry: trade.industry, Sector: trade.sector, Employees: 10 + r.IntN(5000), Revenue: pick(r, revenues),
			Founded: 1950 + r.IntN(75), City: place.city, State: place.state, Country: "US",
			LinkedIn: "https://www.linkedin.example/company/" + strings.ReplaceAll(name, ".", "-"),
		},
		SeenAt: seen,
	}
}

// Networks are the documentation's networks, shared out among the first companies: 768 IPv4 addresses in networks of four,
// and a /48 of 2001:db8::/32 for each of the first 65,536 companies. The loopback has none.
func (p Population) Networks(yield func(graph.NetworkRow) error) error {
	company := 0
	for _, block := range [...][4]byte{{192, 0, 2, 0}, {198, 51, 100, 0}, {203, 0, 113, 0}} {
		for last := 0; last < 256; last += 4 {
			block[3] = byte(last)
			row := graph.NetworkRow{Network: netip.PrefixFrom(netip.AddrFrom4(block), 30), Domain: CompanyDomain(company % p.Companies()), SeenAt: seen}
			if err := yield(row); err != nil {
				return err
			}
			company++
		}
	}
	for i := range min(p.Companies(), 1<<16) {
		a := [16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 8), byte(i)}
		if err := yield(graph.NetworkRow{Network: netip.PrefixFrom(netip.AddrFrom16(a), 48), Domain: CompanyDomain(i), SeenAt: seen}); err != nil {
			return err
		}
	}
	return nil
}

// Build writes the population to a graph file. What cfg leaves open is filled in: the label, and a time of building that follows from the
// people, so that the file is the same each time.
func (p Population) Build(ctx context.Context, cfg graph.BuildConfig) (_ graph.Summary, err error) {
	if cfg.Label == "" {
		cfg.Label = p.Label()
	}
	if cfg.BuiltAt.IsZero() {
		cfg.BuiltAt = seen.Add(time.Duration(p.Persons) * time.Second)
	}
	b, err := graph.NewBuilder(cfg)
	if err != nil {
		return graph.Summary{}, err
	}
	defer func() {
		if closed := b.Close(); err == nil {
			err = closed
		}
	}()
	for i := range p.Companies() {
		if err := b.AddCompany(p.Company(i)); err != nil {
			return graph.Summary{}, err
		}
	}
	if err := p.Networks(b.AddNetwork); err != nil {
		return graph.Summary{}, err
	}
	for i := range p.Persons {
		if err := b.AddPerson(p.Person(i)); err != nil {
			return graph.Summary{}, err
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return graph.Summary{}, ctx.Err()
		}
	}
	return b.Finish(ctx)
}
