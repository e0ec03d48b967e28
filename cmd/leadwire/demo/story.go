package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Story tells what happens at a CRM, one webhook at a time.
type Story struct {
	rng    *rand.Rand
	people []*person // whose story goes on, oldest first
	told   int
}

// Webhook is one event, ready to be signed.
type Webhook struct {
	Type    string
	Contact string // the contact it concerns
	Body    []byte
}

// memory bounds the people whose story goes on: older ones stay as they are.
const memory = 200

// NewStory begins a story. The same seed tells the same one.
func NewStory(seed uint64) *Story {
	return &Story{rng: rand.New(rand.NewPCG(seed, seed))}
}

// Next is what happens at now: about two new contacts to each later event of an earlier one.
func (s *Story) Next(now time.Time) Webhook {
	s.told++
	if len(s.people) > 3 && s.rng.IntN(3) == 0 {
		if w, ok := s.goOn(now); ok {
			return w
		}
	}
	p := s.meet(now)
	s.people = append(s.people, p)
	if len(s.people) > memory {
		s.people = s.people[1:]
	}
	return s.event("ContactCreate", p, p.contact(), now)
}

// goOn continues the story of somebody met before; false when nothing more happens to them.
func (s *Story) goOn(now time.Time) (Webhook, bool) {
	p := s.people[s.rng.IntN(len(s.people))]
	p.chapter++
	switch p.chapter {
	case 1: // the office corrects a number or adds a tag
		if s.rng.IntN(2) == 0 {
			p.phone = s.phone(p.home.area)
		} else {
			p.tags = append(slices.Clip(p.tags), "called back")
		}
		return s.event("ContactUpdate", p, p.contact(), now), true
	case 2:
		p.opportunity, p.value = s.id(), float64(8000+100*s.rng.IntN(240))
		return s.event("OpportunityCreate", p, p.deal("open"), now), true
	case 3:
		status := []string{"won", "won", "lost", "abandoned"}[s.rng.IntN(4)]
		return s.event("OpportunityStatusUpdate", p, p.deal(status), now), true
	default:
		return Webhook{}, false
	}
}

// person is one contact of the CRM.
type person struct {
	id, first, last, email, phone string
	company, street, roof, bill   string
	home                          place
	via                           channel
	tags                          []string
	added                         time.Time
	chapter                       int
	opportunity                   string
	value                         float64
}

func (s *Story) meet(now time.Time) *person {
	p := &person{
		id: s.id(), first: pick(s.rng, firstNames), last: pick(s.rng, lastNames), company: pick(s.rng, companies),
		street: fmt.Sprintf("%d %s", 10+s.rng.IntN(4990), pick(s.rng, streets)), roof: pick(s.rng, roofs), bill: pick(s.rng, bills),
		home: pick(s.rng, places), via: pick(s.rng, channels), tags: pick(s.rng, tagSets), added: now,
	}
	p.email = fmt.Sprintf("%s.%s%d@example.%s", plain(p.first), plain(p.last), s.rng.IntN(90)+10, pick(s.rng, []string{"com", "org", "net"}))
	p.phone = s.phone(p.home.area)
	return p
}

func (p *person) contact() map[string]any {
	body := map[string]any{
		"id": p.id, "firstName": p.first, "lastName": p.last, "name": p.first + " " + p.last, "email": p.email, "phone": p.phone,
		"address1": p.street, "city": p.home.city, "state": p.home.state, "postalCode": p.home.postalCode, "country": "US",
		"source": p.via.name, "dateAdded": stamp(p.added), "dnd": false, "tags": p.tags, "attachments": []string{},
		"customFields": []map[string]string{{"id": "BcdmQsmUuKR1vJqKlQ1n", "value": p.roof}, {"id": "x7TqPs0aZ2LrWc5Yh9Ke", "value": p.bill}},
	}
	if p.company != "" {
		body["companyName"] = p.company
	}
	if p.via.source != "" {
		body["attributionSource"] = map[string]string{
			"url": "https://www.example.com/solar-quote", "campaign": p.via.campaign, "utmSource": p.via.source, "utmMedium": p.via.medium,
		}
	}
	return body
}

func (p *person) deal(status string) map[string]any {
	return map[string]any{
		"id": p.opportunity, "contactId": p.id, "name": p.first + " " + p.last + ": rooftop solar", "monetaryValue": p.value, "status": status,
		"pipelineId": "VDm7RPYC2GLUvdpKmBfC", "pipelineStageId": "e93ba61a-53b3-45e7-985a-c7732dbcdb69", "source": p.via.name, "dateAdded": stamp(p.added),
	}
}

func (s *Story) event(kind string, p *person, body map[string]any, now time.Time) Webhook {
	body["type"], body["locationId"], body["timestamp"], body["webhookId"] = kind, Location, stamp(now), s.uuid()
	text, err := json.Marshal(body)
	if err != nil { // maps of strings, numbers and lists of strings
		text = []byte("{}")
	}
	return Webhook{kind, p.id, text}
}

// id is 20 letters and digits, as the CRM's are.
func (s *Story) id() string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var b [20]byte
	for i := range b {
		b[i] = alphabet[s.rng.IntN(len(alphabet))]
	}
	return string(b[:])
}

func (s *Story) uuid() string {
	a, b := s.rng.Uint64(), s.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

func (s *Story) phone(area string) string { return fmt.Sprintf("+1%s55501%02d", area, s.rng.IntN(100)) }

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// plain keeps what may stand in an e-mail address everywhere.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
