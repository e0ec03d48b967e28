package actors

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// Archive finds out what belongs to somebody, and has it forgotten. It works on the store alone, so that a
// command without a node does the same as a node.
//
//	key ─▶ hashes, phone, person ─▶ persons: by links, by the graph, "hem-..." ─▶ their records' other e-mails
//	    ─▶ leads: the persons' own, and the CRM's whose contact has one of them ─▶ visitors: resolved to one of the
//	       persons, linked, or that told one of the hashes ─▶ Store.Erase
//
// It goes on from somebody's e-mail to their other e-mails, and never from their phone: colleagues and families
// share one, and would be erased along. Only the phone that was asked for is looked for.
//
// It reads every link, every lead and every visit of the account: they are found by what is in them, for which there
// is no index, and an erasure must not miss one. A million of them are some ten seconds. Erase then reads every hit
// and event that is kept, for what the person told at a browser that somebody else has taken over.
//
// What actors have in memory is stale afterwards: the store refuses what they decide on it, and shows them
// that nothing is there. They leave memory within the minute that idle actors stay.
type Archive struct {
	Store  domain.Store
	Graphs identity.Graphs // nil: no graph is asked
	Clock  domain.Clock
	// Check says which rule keeps a subject from being identified; nil: none is looked for.
	Check func(identity.Subject) (rule string, suppressed bool)
}

const archivePage = 1000

// Find lists what an account keeps of whom key names: an e-mail, a digest of one, a phone, its hash, or a
// person's id.
func (a Archive) Find(ctx context.Context, account domain.AccountID, key string) (domain.Belongings, error) {
	s, err := a.search(ctx, account, key)
	if err != nil {
		return domain.Belongings{}, err
	}
	if err := s.findVisitors(ctx); err != nil {
		return domain.Belongings{}, err
	}
	return s.belongings(ctx)
}

// Erase forgets whom key names, and suppresses them in the account from the same commit on. Repeating it is
// fine, and finds what a failure has left. audit says who asks; its subject is set here.
func (a Archive) Erase(ctx context.Context, account domain.AccountID, key string, audit domain.AuditEntry) (domain.Erased, error) {
	s, err := a.search(ctx, account, key)
	if err != nil {
		return domain.Erased{}, err
	}
	suppress, err := s.suppress(a.Clock.Now())
	if err != nil {
		return domain.Erased{}, err
	}
	// The search takes seconds on a large account, in which a page may have named them once more. Suppressed first,
	// nothing of theirs can be committed any more, and a second search finds what came in between.
	audit.Account, audit.Subject = account, s.subject()
	before := audit
	before.Action = "suppress"
	if _, err := a.Store.Suppress(ctx, suppress, nil, before); err != nil {
		return domain.Erased{}, fmt.Errorf("suppress: %w", err)
	}
	if s, err = a.search(ctx, account, key); err != nil {
		return domain.Erased{}, err
	}
	if suppress, err = s.suppress(a.Clock.Now()); err != nil {
		return domain.Erased{}, err
	}
	if err := s.findVisitors(ctx); err != nil {
		return domain.Erased{}, err
	}
	found, err := s.belongings(ctx)
	if err != nil {
		return domain.Erased{}, err
	}
	audit.Detail = fmt.Sprintf("%d persons, %d visitors, %d leads", len(found.Persons), len(found.Visitors), len(found.Leads))
	erased, err := a.Store.Erase(ctx, domain.Erasure{
		Account: account, Visitors: found.Visitors, Persons: slices.Sorted(maps.Keys(s.persons)), Keys: sorted(s.keys),
		Leads: slices.Sorted(maps.Keys(s.leads)), Texts: s.texts(),
		Suppress: suppress, Audit: audit,
	})
	if err != nil {
		return domain.Erased{}, fmt.Errorf("erase: %w", err)
	}
	return erased, nil
}

// Find lists what an account keeps of somebody; see Archive.
func (r *Runtime) Find(ctx context.Context, account domain.AccountID, key string) (domain.Belongings, error) {
	if err := r.guard.Refresh(ctx); err != nil { // whether they are suppressed is answered as it is now
		return domain.Belongings{}, fmt.Errorf("read suppressions: %w", err)
	}
	return r.archive().Find(ctx, account, key)
}

// Erase forgets somebody; see Archive. When it returns, this node knows it too: links and what the slow tier
// told are dropped. The other nodes follow within a second, and meanwhile can commit nothing of them.
func (r *Runtime) Erase(ctx context.Context, account domain.AccountID, key string, audit domain.AuditEntry) (domain.Erased, error) {
	erased, err := r.archive().Erase(ctx, account, key, audit)
	if err != nil {
		return erased, err
	}
	if err := r.guard.load(ctx); err != nil { // it is erased; what is in memory here follows with the next look
		r.deps.Log.Debug("an erasure is not taken up yet", "error", err)
	}
	return erased, nil
}

func (r *Runtime) archive() Archive {
	return Archive{Store: r.deps.Store, Graphs: r.deps.Graphs, Clock: r.deps.Clock, Check: r.suppressed}
}

// search gathers what belongs to somebody.
type search struct {
	Archive
	account  domain.AccountID
	sought   identity.Sought
	key      string
	keys     map[domain.Key]bool
	persons  map[domain.PersonID]bool // false: there may be one by this name
	records  map[domain.PersonID]domain.Person
	leads    map[domain.LeadID]bool // false: there may be one by this name
	visitors map[domain.VisitorID]bool
	emails   map[string]bool // in clear, of records and contacts: for suppressions
	links    int
	// What the account itself has of them, see belongings.
	ours map[domain.PersonID]bool // of whom it keeps something
	held map[domain.Key]bool      // keys of its links and of its leads' contacts
	said []domain.HEM             // the e-mail that was asked for, and those of contacts
}

// put adds to a set, and raises what may be to what is.
func put[K comparable](set map[K]bool, k K, sure bool) { set[k] = set[k] || sure }

func (a Archive) search(ctx context.Context, account domain.AccountID, key string) (*search, error) {
	sought, err := identity.Seek(key)
	if err != nil {
		return nil, err
	}
	s := &search{
		Archive: a, account: account, sought: sought, key: key, keys: map[domain.Key]bool{}, persons: map[domain.PersonID]bool{},
		records: map[domain.PersonID]domain.Person{}, leads: map[domain.LeadID]bool{}, visitors: map[domain.VisitorID]bool{}, emails: map[string]bool{},
		ours: map[domain.PersonID]bool{}, held: map[domain.Key]bool{}, said: slices.Clone(sought.HEMs),
	}
	s.know(sought.HEMs, sought.Phone)
	if sought.Person != "" {
		put(s.persons, sought.Person, false)
	}
	// A person's record names more keys, and a contact's more persons: two rounds reach whoever is one step away,
	// and what is further is somebody else.
	for range 2 {
		if err := s.round(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// know adds what somebody is found by.
func (s *search) know(hems []domain.HEM, phone string) {
	for _, k := range identity.KeysOf("", hems, phone, nil) {
		s.keys[k] = true
	}
	for _, p := range identity.PersonsByHash(hems) {
		put(s.persons, p, false)
	}
}

func (s *search) round(ctx context.Context) error {
	if err := s.eachLink(ctx, func(l domain.Link) {
		if _, named := s.persons[l.Person]; named || s.keys[l.Key] {
			put(s.persons, l.Person, true)
			s.ours[l.Person], s.held[l.Key] = true, true
			switch l.Key.Kind {
			case domain.KeySHA256, domain.KeySHA1, domain.KeyMD5: // an e-mail of theirs that no record has
				if h, ok := identity.ReadDigest(l.Key.Value); ok {
					s.know([]domain.HEM{h}, "")
				}
			}
		}
	}); err != nil {
		return err
	}
	s.askGraph()
	return s.findLeads(ctx)
}

// eachLink reads the account's links.
func (s *search) eachLink(ctx context.Context, f func(domain.Link)) error {
	for after := int64(0); ; {
		page, err := s.Store.Links(ctx, after, archivePage)
		if err != nil {
			return fmt.Errorf("read links: %w", err)
		}
		for _, l := range page {
			if l.Account == s.account && !l.Removed {
				f(l)
			}
		}
		if len(page) < archivePage {
			return nil
		}
		after = page[len(page)-1].Seq
	}
}

// askGraph finds persons by their keys, and keys by the persons' records.
func (s *search) askGraph() {
	if s.Graphs == nil {
		return
	}
	g := s.Graphs.Borrow()
	if g == nil {
		return
	}
	defer g.Release()
	for k := range maps.Clone(s.keys) {
		if p, ok := g.Person(k); ok {
			put(s.persons, p, true)
		}
	}
	for p := range maps.Clone(s.persons) {
		if _, known := s.records[p]; known {
			continue
		}
		record, ok := g.Record(p)
		if !ok {
			continue
		}
		s.records[p] = record
		put(s.persons, p, true)
		s.know(record.HEMs, "")
		s.email(record.BusinessEmail)
		s.email(record.PersonalEmail)
	}
}

func (s *search) email(text string) {
	if hems := identity.HEMs(text); hems != nil {
		s.emails[text] = true
		s.know(hems, "")
	}
}

// findLeads adds the leads that the persons are, and those whose contact has one of the keys; the latter are
// persons too.
func (s *search) findLeads(ctx context.Context) error {
	for p := range s.persons {
		put(s.leads, domain.LeadOfPerson(p), false)
	}
	for after := domain.LeadID(""); ; {
		page, err := s.Store.ScanLeads(ctx, s.account, after, archivePage)
		if err != nil {
			return fmt.Errorf("read leads: %w", err)
		}
		for _, l := range page {
			s.lead(l)
		}
		if len(page) < archivePage {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

func (s *search) lead(l domain.Lead) {
	c, err := domain.ParseContact(l.Contact)
	if err != nil {
		return // it is no contact, so nobody's
	}
	phone, _ := identity.PhoneHash(c.Phone)
	_, named := s.leads[l.ID]
	hems := identity.HEMs(c.Email)
	keys := identity.KeysOf("", hems, phone, nil)
	if !named && !slices.ContainsFunc(keys, func(k domain.Key) bool { return s.keys[k] }) {
		return
	}
	s.leads[l.ID] = true
	put(s.persons, l.ID.Person(), true)
	s.ours[l.ID.Person()], s.said = true, append(s.said, hems...)
	for _, k := range keys {
		s.held[k] = true
	}
	s.email(c.Email)
}

// findVisitors comes last: by everybody that the rounds have found.
func (s *search) findVisitors(ctx context.Context) error {
	if err := s.eachLink(ctx, func(l domain.Link) {
		if _, named := s.persons[l.Person]; !named && !s.keys[l.Key] {
			return
		}
		s.links++
		s.ours[l.Person], s.held[l.Key] = true, true
		if l.Key.Kind == domain.KeyVisitor {
			s.visitors[domain.VisitorID(l.Key.Value)] = true
		}
	}); err != nil {
		return err
	}
	ids, err := s.Store.VisitorsOf(ctx, s.account, slices.Sorted(maps.Keys(s.persons)))
	if err != nil {
		return fmt.Errorf("find visitors: %w", err)
	}
	told, err := s.Store.VisitorsNaming(ctx, s.account, s.texts())
	if err != nil {
		return fmt.Errorf("find visitors: %w", err)
	}
	for _, v := range append(ids, told...) {
		s.visitors[v] = true
	}
	return nil
}

// texts are what the person is named by in what browsers and CRMs have sent: hashes, and what is known in clear, as
// it stands in a page's address too.
func (s *search) texts() []string {
	all := map[string]bool{}
	for k := range s.keys {
		all[k.Value] = true
	}
	for clear := range s.emails {
		spell(all, clear)
	}
	if s.sought.Clear != "" {
		spell(all, s.sought.Clear)
		if plain, ok := identity.Phone(s.sought.Clear); ok {
			spell(all, plain)
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// spell adds a text as it is written, and as an address has it.
func spell(all map[string]bool, text string) { all[text], all[url.QueryEscape(text)] = true, true }

// sure lists what is there, of what may be.
func sure[K cmp.Ordered](set map[K]bool) []K {
	all := []K{}
	for k, is := range set {
		if is {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return all
}

func sorted(keys map[domain.Key]bool) []domain.Key {
	return slices.SortedFunc(maps.Keys(keys), func(x, y domain.Key) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Value, y.Value))
	})
}

// suppress lists what keeps the person from being identified again, by whatever it was found: every hash, every
// phone, every person.
func (s *search) suppress(now time.Time) ([]domain.Suppression, error) {
	var all []domain.Suppression
	seen := map[string]bool{}
	add := func(kind domain.SuppressionKind, value string) error {
		one, err := identity.NewSuppression(domain.AccountScope, s.account, "", kind, value, "erased", now)
		if err != nil {
			return fmt.Errorf("suppress whom is erased: %w", err)
		}
		if !seen[one.ID] {
			seen[one.ID] = true
			all = append(all, one)
		}
		return nil
	}
	emails := slices.Sorted(maps.Keys(s.emails))
	if s.sought.Clear != "" && len(s.sought.HEMs) > 0 {
		emails = append(emails, s.sought.Clear)
	}
	covered := map[string]bool{} // digests that an e-mail in clear covers
	for _, email := range emails {
		if err := add(domain.SuppressEmail, email); err != nil {
			return nil, err
		}
		for _, h := range all[len(all)-1].HEMs {
			covered[h.SHA256], covered[h.SHA1], covered[h.MD5] = true, true, true
		}
	}
	for _, k := range sorted(s.keys) {
		var err error
		switch k.Kind {
		case domain.KeySHA256, domain.KeySHA1, domain.KeyMD5:
			if !covered[k.Value] {
				err = add(domain.SuppressEmail, k.Value)
			}
		case domain.KeyPhone:
			err = add(domain.SuppressPhone, k.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, p := range slices.Sorted(maps.Keys(s.persons)) {
		if err := add(domain.SuppressPerson, string(p)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// subject names whom an erasure was of, in the audit log: by a hash, which whoever has the e-mail can compare.
func (s *search) subject() string {
	switch {
	case len(s.sought.HEMs) > 0 && s.sought.HEMs[0].SHA256 != "":
		return "sha256:" + s.sought.HEMs[0].SHA256
	case s.sought.Phone != "":
		return "phone:" + s.sought.Phone
	}
	sum := sha256.Sum256([]byte(s.key))
	return "key:" + hex.EncodeToString(sum[:])
}
