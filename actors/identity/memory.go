package identity

import (
	"container/list"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// memory is what a slow tier has said: whom it knows, and which keys it does not. Its owner holds the lock.
type memory struct {
	cfg     SlowConfig
	metrics *slowMetrics

	people    map[domain.PersonID]*list.Element // of *recollection
	recent    *list.List                        // the most recently used in front
	keys      map[digest]domain.PersonID
	companies map[string]domain.PersonID // whose recollection has it

	unknown map[digest]int64 // until when, in Unix nanoseconds
	denied  fifo
}

// recollection is a person that was told of, with the keys it was found by.
type recollection struct {
	person  domain.Person
	company domain.Company
	keys    []domain.Key
	until   time.Time
}

func newMemory(cfg SlowConfig, m *slowMetrics) *memory {
	return &memory{
		cfg: cfg, metrics: m,
		people: map[domain.PersonID]*list.Element{}, recent: list.New(), keys: map[digest]domain.PersonID{}, companies: map[string]domain.PersonID{},
		unknown: map[digest]int64{},
	}
}

// remember keeps an answer, and drops the person that was used the longest ago when there are too many.
func (m *memory) remember(now time.Time, k Known) {
	r := &recollection{person: k.Person, company: k.Company, until: now.Add(m.cfg.PersonTTL)}
	if e := m.people[k.Person.ID]; e != nil {
		r.keys = e.Value.(*recollection).keys
		m.drop(e)
	}
	m.people[k.Person.ID] = m.recent.PushFront(r)
	r.keys = append(r.keys, k.By)
	if len(r.keys) > maxKeysOfOne {
		r.keys = r.keys[1:]
	}
	for _, key := range r.keys {
		m.keys[keyDigest(key)] = k.Person.ID
		delete(m.unknown, keyDigest(key))
	}
	if k.Company.Domain != "" {
		m.companies[normalDomain(k.Company.Domain)] = k.Person.ID
	}
	for len(m.people) > m.cfg.PersonMax {
		m.drop(m.recent.Back())
	}
	m.measure()
}

// maxKeysOfOne bounds the keys remembered of a person: more than one has at a time, the oldest go.
const maxKeysOfOne = 16

func (m *memory) drop(e *list.Element) {
	r := m.recent.Remove(e).(*recollection)
	delete(m.people, r.person.ID)
	for _, k := range r.keys {
		if d := keyDigest(k); m.keys[d] == r.person.ID {
			delete(m.keys, d)
		}
	}
	if name := normalDomain(r.company.Domain); m.companies[name] == r.person.ID {
		delete(m.companies, name)
	}
}

// recall finds somebody, unless it was told too long ago.
func (m *memory) recall(now time.Time, p domain.PersonID) *recollection {
	e := m.people[p]
	if e == nil {
		return nil
	}
	r := e.Value.(*recollection)
	if !now.Before(r.until) {
		m.drop(e)
		m.measure()
		return nil
	}
	m.recent.MoveToFront(e)
	return r
}

func (m *memory) known(now time.Time, k domain.Key) (Known, bool) {
	if len(m.keys) == 0 {
		return Known{}, false
	}
	p, ok := m.keys[keyDigest(k)]
	if !ok {
		return Known{}, false
	}
	r := m.recall(now, p)
	if r == nil {
		return Known{}, false
	}
	return Known{Found: true, Person: r.person, Company: r.company, By: k}, true
}

func (m *memory) person(now time.Time, p domain.PersonID) (domain.Person, bool) {
	if r := m.recall(now, p); r != nil {
		return r.person, true
	}
	return domain.Person{}, false
}

func (m *memory) company(now time.Time, name string) (domain.Company, bool) {
	if p, ok := m.companies[name]; ok {
		if r := m.recall(now, p); r != nil {
			return r.company, true
		}
	}
	return domain.Company{}, false
}

// deny keeps that nobody knew the keys; the oldest go when there are too many.
func (m *memory) deny(now time.Time, keys []domain.Key) {
	until := now.Add(m.cfg.NegativeTTL).UnixNano()
	for _, k := range keys {
		d := keyDigest(k)
		m.unknown[d] = until
		m.denied.push(d, until)
	}
	for len(m.unknown) > m.cfg.NegativeMax || m.denied.len() > 0 && m.denied.queue[m.denied.head].stamp <= now.UnixNano() {
		if d, stamp := m.denied.pop(); m.unknown[d] == stamp {
			delete(m.unknown, d)
		}
	}
	m.denied.compact(2*len(m.unknown), func(d digest, stamp int64) bool { return m.unknown[d] == stamp })
	m.measure()
}

// unasked leaves out the keys that nobody knew lately.
func (m *memory) unasked(now time.Time, keys []domain.Key) []domain.Key {
	left := make([]domain.Key, 0, len(keys))
	for _, k := range keys {
		if until, there := m.unknown[keyDigest(k)]; !there || until <= now.UnixNano() {
			left = append(left, k)
		}
	}
	return left
}

func (m *memory) forget(keys []domain.Key, persons []domain.PersonID) {
	for _, k := range keys {
		d := keyDigest(k)
		delete(m.unknown, d)
		if p, ok := m.keys[d]; ok {
			persons = append(persons[:len(persons):len(persons)], p)
		}
	}
	for _, p := range persons {
		if e := m.people[p]; e != nil {
			m.drop(e)
		}
	}
	m.measure()
}

func (m *memory) measure() {
	m.metrics.people.Set(float64(len(m.people)))
	m.metrics.unknown.Set(float64(len(m.unknown)))
}

func keyDigest(k domain.Key) digest { return digestOf(string(k.Kind), k.Value) }
