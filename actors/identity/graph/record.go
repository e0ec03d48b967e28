package graph

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// A record is its kind, what names it, a mask of the fields that follow, and those. A text is a number and
// what its last two bits say: the bytes themselves, a word shared with other records, or both: of an e-mail
// the domain is shared, of a profile's URL all but the name. It makes a person's record a third smaller.
const (
	plain      = iota // n bytes follow
	word              // word n
	wordBefore        // n bytes follow, a word's number before them
	wordAfter         // n bytes follow, a word's number after them
)

// personTexts are a person's fields in the order of the mask's bits. A bit keeps its meaning for ever.
func personTexts(p *domain.Person) [13]*string {
	return [...]*string{
		&p.FirstName, &p.LastName, &p.Title, &p.Seniority, &p.Department, &p.BusinessEmail, &p.PersonalEmail,
		&p.LinkedIn, &p.City, &p.State, &p.PostalCode, &p.Country, &p.Company,
	}
}

// personSplit says how each of them is shared.
var personSplit = [13]split{2: whole, 3: whole, 4: whole, 5: domainPart, 6: domainPart, 7: lastPart, 8: whole, 9: whole, 11: whole, 12: whole}

const (
	personPhones = 13
	personHEMs   = 14
)

func companyTexts(c *domain.Company) [9]*string {
	return [...]*string{&c.Name, &c.Website, &c.Industry, &c.Sector, &c.Revenue, &c.City, &c.State, &c.Country, &c.LinkedIn}
}

var companySplit = [9]split{2: whole, 3: whole, 4: whole, 5: whole, 6: whole, 7: whole, 8: lastPart}

const (
	companyEmployees = 9
	companyFounded   = 10
)

// split is which part of a text many records share.
type split byte

const (
	none split = iota
	whole
	domainPart // after the "@"
	lastPart   // all up to the last "/"
)

// appendPerson encodes a person. HEMs that follow from its e-mails are left out: reading computes them.
func appendPerson(b []byte, p *domain.Person, w *words) []byte {
	b = append(b, kindPerson)
	b = appendText(b, string(p.ID), none, w)
	texts := personTexts(p)
	hems := withoutDerived(p)
	mask := maskOf(texts[:])
	if len(p.Phones) > 0 {
		mask |= 1 << personPhones
	}
	if len(hems) > 0 {
		mask |= 1 << personHEMs
	}
	b = binary.AppendUvarint(b, mask)
	b = appendTexts(b, texts[:], personSplit[:], w)
	if len(p.Phones) > 0 {
		b = binary.AppendUvarint(b, uint64(len(p.Phones)))
		for _, phone := range p.Phones {
			b = appendText(b, phone, none, w)
		}
	}
	if len(hems) > 0 {
		b = binary.AppendUvarint(b, uint64(len(hems)))
		for _, hem := range hems {
			b = appendHEM(b, hem)
		}
	}
	return b
}

func appendCompany(b []byte, c *domain.Company, w *words) []byte {
	b = append(b, kindCompany)
	b = appendText(b, c.Domain, none, w)
	texts := companyTexts(c)
	mask := maskOf(texts[:])
	if c.Employees > 0 {
		mask |= 1 << companyEmployees
	}
	if c.Founded > 0 {
		mask |= 1 << companyFounded
	}
	b = binary.AppendUvarint(b, mask)
	b = appendTexts(b, texts[:], companySplit[:], w)
	for _, number := range []int{c.Employees, c.Founded} {
		if number > 0 {
			b = binary.AppendUvarint(b, uint64(number))
		}
	}
	return b
}

func maskOf(texts []*string) (mask uint64) {
	for i, text := range texts {
		if *text != "" {
			mask |= 1 << i
		}
	}
	return mask
}

func appendTexts(b []byte, texts []*string, splits []split, w *words) []byte {
	for i, text := range texts {
		if *text != "" {
			b = appendText(b, *text, splits[i], w)
		}
	}
	return b
}

func appendText(b []byte, text string, s split, w *words) []byte {
	shared, own, form := "", text, uint64(plain)
	switch at := 0; s {
	case whole:
		shared, own, form = text, "", word
	case domainPart:
		if at = strings.LastIndexByte(text, '@') + 1; at > 0 {
			shared, own, form = text[at:], text[:at], wordAfter
		}
	case lastPart:
		if at = strings.LastIndexByte(text, '/') + 1; at > 0 {
			shared, own, form = text[:at], text[at:], wordBefore
		}
	}
	n, ok := uint64(0), false
	if form != plain {
		n, ok = w.number(shared)
	}
	switch {
	case !ok:
		return append(binary.AppendUvarint(b, uint64(len(text))<<2|plain), text...)
	case form == word:
		return binary.AppendUvarint(b, n<<2|word)
	case form == wordBefore:
		b = binary.AppendUvarint(b, uint64(len(own))<<2|form)
		return append(binary.AppendUvarint(b, n), own...)
	default:
		b = binary.AppendUvarint(b, uint64(len(own))<<2|form)
		return binary.AppendUvarint(append(b, own...), n)
	}
}

// hemVariants by number. A number keeps its meaning for ever.
var hemVariants = []string{"", identity.Lower, identity.GmailCanonical}

func appendHEM(b []byte, hem domain.HEM) []byte {
	digests := [...]string{hem.MD5, hem.SHA1, hem.SHA256}
	head := byte(max(0, slices.Index(hemVariants, hem.Variant))) << 3
	for i, digest := range digests {
		if digest != "" {
			head |= 1 << i
		}
	}
	b = append(b, head)
	for _, digest := range digests {
		b, _ = hex.AppendDecode(b, []byte(digest)) // checked when the row was read
	}
	return b
}

// withoutDerived are the HEMs that do not follow from a person's own e-mails.
func withoutDerived(p *domain.Person) (rest []domain.HEM) {
	if len(p.HEMs) == 0 {
		return nil
	}
	derived := derivedHEMs(p)
	for _, hem := range p.HEMs {
		if !slices.ContainsFunc(derived, func(d domain.HEM) bool { return covers(d, hem) }) {
			rest = append(rest, hem)
		}
	}
	return rest
}

// covers says whether a HEM has every digest of another.
func covers(a, b domain.HEM) bool {
	return (b.MD5 == "" || a.MD5 == b.MD5) && (b.SHA1 == "" || a.SHA1 == b.SHA1) && (b.SHA256 == "" || a.SHA256 == b.SHA256)
}

func derivedHEMs(p *domain.Person) (hems []domain.HEM) {
	for _, email := range []string{p.BusinessEmail, p.PersonalEmail} {
		if email != "" && (email != p.BusinessEmail || hems == nil) {
			hems = append(hems, identity.HEMs(email)...)
		}
	}
	return hems
}

func withHEMs(p domain.Person) domain.Person {
	p.HEMs = append(derivedHEMs(&p), p.HEMs...)
	return p
}

// fields reads a record. It never reads beyond it; what does not fit makes it bad and the rest empty.
type fields struct {
	rest  []byte
	words interface{ word(n uint64) (string, bool) } // a file's, or those of one that is being built
	bad   bool
}

// count is how long a list is.
func (f *fields) count() uint64 {
	n := f.number()
	if n > maxList {
		f.bad, f.rest = true, nil
		return 0
	}
	return n
}

func (f *fields) number() uint64 {
	n, size := binary.Uvarint(f.rest)
	if size <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[size:]
	return n
}

func (f *fields) bytes(n uint64) []byte {
	if n > uint64(len(f.rest)) {
		f.bad, f.rest = true, nil
		return nil
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

// text copies: the mapping may be gone before the text is.
func (f *fields) text() string {
	head := f.number()
	switch n := head >> 2; head & 3 {
	case plain:
		return string(f.bytes(n))
	case word:
		return f.word(n)
	case wordBefore:
		shared := f.word(f.number())
		return shared + string(f.bytes(n))
	default:
		own := f.bytes(n)
		return string(own) + f.word(f.number())
	}
}

// own is a text that shares no word, so a list of them is no larger than its record.
func (f *fields) own() string {
	head := f.number()
	if head&3 != plain {
		f.bad, f.rest = true, nil
		return ""
	}
	return string(f.bytes(head >> 2))
}

func (f *fields) word(n uint64) string {
	text, ok := f.words.word(n)
	f.bad = f.bad || !ok
	return text
}

func (f *fields) texts(mask uint64, texts []*string) {
	for i, text := range texts {
		if mask>>i&1 == 1 {
			*text = f.text()
		}
	}
}

func (f *fields) person() (p domain.Person) {
	p.ID = domain.PersonID(f.text())
	mask, texts := f.number(), personTexts(&p)
	f.texts(mask, texts[:])
	if mask>>personPhones&1 == 1 {
		for n := f.count(); n > 0 && !f.bad; n-- {
			p.Phones = append(p.Phones, f.own())
		}
	}
	if mask>>personHEMs&1 == 1 {
		for n := f.count(); n > 0 && !f.bad; n-- {
			p.HEMs = append(p.HEMs, f.hem())
		}
	}
	return p
}

func (f *fields) hem() (hem domain.HEM) {
	head := f.bytes(1)
	if f.bad || int(head[0]>>3) >= len(hemVariants) {
		f.bad = true
		return hem
	}
	hem.Variant = hemVariants[head[0]>>3]
	for i, to := range []*string{&hem.MD5, &hem.SHA1, &hem.SHA256} {
		if head[0]>>i&1 == 1 {
			*to = hex.EncodeToString(f.bytes([...]uint64{16, 20, 32}[i]))
		}
	}
	return hem
}

func (f *fields) company() (c domain.Company) {
	c.Domain = f.text()
	mask, texts := f.number(), companyTexts(&c)
	f.texts(mask, texts[:])
	if mask>>companyEmployees&1 == 1 {
		c.Employees = int(f.number())
	}
	if mask>>companyFounded&1 == 1 {
		c.Founded = int(f.number())
	}
	return c
}
