package actors

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// teaching is what a CRM's lead has taught the overlay: that its e-mail, phone and click ids are its
// person's. One lesson is under way at a time, and the newest waits for it.
type teaching struct {
	known   uint64 // what was learned last, as a hash; 0: nothing yet
	trying  uint64 // what is being learned
	waiting *domain.Contact
}

// learned is the answer to a lesson.
type learned struct {
	own
	err error
}

// lessons is the seed of the hashes that tell one lesson from the next, within this process.
type lessons struct{ seed maphash.Seed }

func (s lessons) of(c domain.Contact) uint64 {
	if c.Email == "" && c.Phone == "" && len(clicksOf(c)) == 0 {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, text := range []string{c.Email, c.Phone} {
		_, _ = h.WriteString(text)
		_ = h.WriteByte(0)
	}
	for _, click := range clicksOf(c) {
		_, _ = h.WriteString(click.Kind + "\x00" + click.Value + "\x00")
	}
	return h.Sum64() | 1 // never 0, which is nothing
}

// teach learns what an event that was kept says of who its lead is. It costs nothing while the account has no
// pixel, and no commit while it says nothing new. A lesson that fails is tried again with the lead's next event.
func (l *lead) teach(ctx actor.Context, e domain.Event) {
	account := l.rt.deps.Book.Directory().Account(e.Account)
	if account == nil || len(account.Pixels) == 0 || e.Lead == "" || e.Source == domain.PixelSource {
		return
	}
	contact, err := domain.ParseContact(e.Contact)
	if err != nil { // intake reports it
		return
	}
	l.lesson(ctx, contact)
}

func (l *lead) lesson(ctx actor.Context, contact domain.Contact) {
	t, what := &l.teaching, l.rt.lessons.of(contact)
	switch {
	case what == 0 || what == t.known || what == t.trying:
		return
	case t.trying != 0:
		t.waiting = &contact
		return
	}
	t.trying = what
	l.rt.pipe(ctx, func(c context.Context) any { return learned{err: l.rt.learn(c, l.key, contact)} })
}

// learned goes on after a lesson.
func (l *lead) learned(ctx actor.Context, msg learned) {
	t := &l.teaching
	if msg.err == nil {
		t.known = t.trying
	}
	next := t.waiting
	t.trying, t.waiting = 0, nil
	if next != nil {
		l.lesson(ctx, *next)
	}
}

// learn runs away from the mailbox.
func (r *Runtime) learn(ctx context.Context, key domain.LeadKey, contact domain.Contact) error {
	for range maxLessonRounds {
		basis := r.deps.Suppressions.Revision() // before anything is asked of it: see identity.Suppressions.Check
		links := r.linksOf(key, contact)
		if len(links) == 0 {
			return nil
		}
		got, err := r.deps.Store.Learn(ctx, domain.Lesson{Basis: basis, Links: links})
		if err == nil && got.Outcome == domain.Done {
			r.deps.Overlay.Learned(got.Links)
			r.deps.Metrics.lessons.WithLabelValues("learned").Inc()
			return nil
		}
		if err == nil { // suppressions have changed: look again
			err = r.guard.Refresh(ctx)
		}
		if err != nil {
			r.deps.Metrics.lessons.WithLabelValues("failed").Inc()
			return err
		}
	}
	r.deps.Metrics.lessons.WithLabelValues("failed").Inc()
	return errLessonRounds
}

// maxLessonRounds is how often a lesson is made again at once while suppressions change under it: a list that is
// imported changes them a few times a second, and the lead's next event tries anew.
const maxLessonRounds = 16

var errLessonRounds = domain.Fail("learn links", domain.Unavailable, errors.New("the suppressions changed at every try"))

func (r *Runtime) linksOf(key domain.LeadKey, contact domain.Contact) []domain.Link {
	var graph identity.Graph
	if r.deps.Graphs != nil {
		if graph = r.deps.Graphs.Borrow(); graph != nil {
			defer graph.Release()
		}
	}
	links := identity.LinksOfContact(key.Account, key.Lead, contact, clicksOf(contact), graph)
	if len(links) == 0 || r.unteachable(links[0].Person, key.Account, contact, graph) {
		return nil // nobody will be matched by them
	}
	now := r.deps.Clock.Now()
	for i := range links {
		links[i].At = now
	}
	return links
}

// unteachable says whether whom a lesson is about is suppressed: by the contact, by who it is, or by what the graph
// knows of them.
func (r *Runtime) unteachable(person domain.PersonID, account domain.AccountID, contact domain.Contact, graph identity.Graph) bool {
	var record domain.Person
	if graph != nil {
		record, _ = graph.Record(person)
	}
	subject := identity.SubjectOf(record)
	subject.Account, subject.Person = account, person
	subject.HEMs = append(subject.HEMs, identity.HEMs(contact.Email)...)
	if phone, ok := identity.PhoneHash(contact.Phone); ok {
		subject.Phones = append(subject.Phones, phone)
	}
	_, suppressed := r.suppressed(subject)
	return suppressed
}

// clickFields are the advertisers' click ids as CRMs keep them in custom fields, by the URL parameter's name.
var clickFields = []string{"gclid", "wbraid", "gbraid", "fbclid", "msclkid", "ttclid", "li_fat_id"}

// clicksOf lists a contact's click ids, in the order above.
func clicksOf(c domain.Contact) []domain.Click {
	var out []domain.Click
	for name, value := range c.Fields {
		if kind := strings.ToLower(name); value != "" && slices.Contains(clickFields, kind) {
			out = append(out, domain.Click{Kind: kind, Value: value})
		}
	}
	slices.SortFunc(out, func(a, b domain.Click) int {
		return slices.Index(clickFields, a.Kind) - slices.Index(clickFields, b.Kind)
	})
	return out
}
