package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgserver"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// What must not be found in the files of somebody erased.
var adasBytes = []string{"ada.lovelace@example.com", "Lovelace", "hem-5e884898da28047151d0e56f8dc62927", "+441815550199", string(adasVisitor)}

const adasVisitor = domain.VisitorID("0190a0a0-0000-7000-8000-00000000ada1")

// lifeOf fills every table with somebody, in as many versions of each row as an ordinary day makes.
func lifeOf(t *testing.T, s *Store, f domain.Fence, id, name, mail, hem, phone string, visitor domain.VisitorID, day time.Time) {
	t.Helper()
	person, lead := domain.PersonID("p-"+id), domain.LeadID("ghl-"+id)
	contact := domain.Contact{LastName: name, Email: mail, Phone: phone}
	say := func(id string, lead domain.LeadID) domain.Announcement {
		return domain.Announcement{ID: domain.EventID(id), Account: "acme", Type: domain.LeadUpdatedEvent, Lead: lead, Payload: contact.JSON(), At: day,
			Owed: []domain.Owed{{Endpoint: "crm", Partition: f.Partition}, {Endpoint: "erp", Partition: f.Partition}}}
	}
	// One endpoint takes them, one fails and stays behind; both answer with what they were sent.
	answer := func(all []domain.Announcement) {
		for _, d := range all[0].Deliveries {
			a := arriving(f, d, day)
			if d.Endpoint == "erp" {
				a = failing(f, d, day)
			}
			a.Receipt.Body, a.Receipt.Reason = []byte("thanks for "+name+" "+mail), "200 "+phone
			record(t, s, a)
		}
	}
	for i := range 4 {
		e := event(fmt.Sprint(id, "-e-", i))
		e.Lead, e.Contact, e.ReceivedAt, e.Body = lead, contact.JSON(), day, []byte(`{"m":"`+mail+`","n":"`+name+`","p":"`+phone+`"}`)
		d := deciding(f, 0, e, domain.Update)
		if d.Expect = int64(i); i == 0 {
			d = deciding(f, 0, e, domain.Assign)
		}
		d.Announce = []domain.Announcement{say(string(e.ID), lead)}
		if i == 3 { // this one waits
			receive(t, s, f, e)
			break
		}
		got, err := s.Admit(t.Context(), f, e, d)
		require.NoError(t, err)
		require.Equal(t, domain.Done, got.Decided.Outcome)
		answer(got.Decided.Announced)
	}
	known := int64(0)
	basis, err := s.SuppressionRevision(t.Context())
	require.NoError(t, err)
	for i := range 6 {
		o := meetingAt(f, fmt.Sprint(id, "-h-", i), visitor, person, day)
		o.Expect, o.Basis = int64(i), basis
		o.Visit.HEMs, o.Visit.Phone = []domain.HEM{{Variant: "lower", SHA256: hem}}, phone
		o.Visit.Pages = []domain.PageSeen{{URL: "https://shop.example/?email=" + mail, Title: strings.Repeat("hello "+name+" ", 100)}} // compressed, and kept beside the row
		o.Hits[0].Body = []byte(`{"hems":["` + hem + `"],"email":"` + mail + `"}`)
		o.Owed[0].Page.Title = name
		o.Learn = append(o.Learn, domain.Link{Account: "acme", Key: domain.Key{Kind: domain.KeySHA256, Value: hem}, Person: person, At: day},
			domain.Link{Account: "acme", Key: domain.Key{Kind: domain.KeyPhone, Value: phone}, Person: person, At: day})
		got, err := s.Observe(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, domain.Done, got.Outcome)
		if i == 5 { // this one is owed
			break
		}
		j := judging(f, o, got.Owed[0], known)
		j.Basis = basis
		j.Announce[0].Payload = contact.JSON()
		if i == 0 {
			e := event(string(o.Owed[0].EventID))
			e.Lead, e.Contact, e.ReceivedAt = o.Owed[0].Lead, contact.JSON(), day
			j.Enter = &domain.Pending{Seq: got.Seqs[0], Event: e}
		}
		judged, err := s.Judge(t.Context(), j)
		require.NoError(t, err)
		require.Equal(t, domain.Done, judged.Outcome)
		known++
	}
}

// erasureOf is what whoever erases has found out.
func erasureOf(id string, visitor domain.VisitorID, hem, phone string) domain.Erasure {
	person := domain.PersonID("p-" + id)
	return domain.Erasure{
		Account: "acme", Visitors: []domain.VisitorID{visitor}, Persons: []domain.PersonID{person},
		Keys:     []domain.Key{{Kind: domain.KeySHA256, Value: hem}, {Kind: domain.KeyPhone, Value: phone}},
		Leads:    []domain.LeadID{domain.LeadID("ghl-" + id), domain.LeadOfPerson(person)},
		Suppress: []domain.Suppression{{ID: "s-1", Kind: domain.SuppressPerson, Value: string(person)}}, Audit: domain.AuditEntry{Action: "erase"},
	}
}

// After an erasure, and maintenance once its day of telling is over, no file of the server's tables has a byte
// of the person: not in dead rows, not in indexes, not in what was kept beside a row, not in the planner's
// samples. Somebody else's bytes are still where they were.
func TestErase_LeavesNoByteInTheFiles(t *testing.T) {
	t.Parallel()
	pgtest.SkipShort(t)
	dir := t.TempDir()
	server, err := pgserver.Start(dir, "autovacuum=off")
	pgtest.Require(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(pgserver.Immediate)) })
	s := open(t, pgtest.FreshAt(t, server.URL()), Options{})
	f := claim(t, s, "node", 7)[0]
	now := time.Now().UTC().Truncate(time.Millisecond)
	lifeOf(t, s, f, "1", adasBytes[1], adasBytes[0], adasBytes[2], adasBytes[3], adasVisitor, now)
	lifeOf(t, s, f, "2", "Babbage", "cb@example.com", "hem-other", "+441815550100", "visitor-of-bob", now)
	shared := meetingAt(f, "shared-1", "shared-browser", "p-2", now) // it was hers for a moment
	shared.Hits[0].Body, shared.Owed, shared.Learn = []byte(strings.Join(adasBytes[:4], " ")), nil, nil
	got, err := s.Observe(t.Context(), shared)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	told := owe(t, s, f, "told", "ghl-2", now, "shy")[0] // an endpoint that was sent somebody else answers with her
	tells := arriving(f, told, now)
	tells.Receipt.Body, tells.Receipt.Reason = []byte("there is "+adasBytes[0]), "there is "+adasBytes[3]
	record(t, s, tells)
	unknown := meetingAt(f, "unknown-1", "unknown-browser", "", now) // nobody was found by it
	unknown.Visit.HEMs, unknown.Owed, unknown.Learn = []domain.HEM{{Variant: "lower", SHA256: adasBytes[2]}}, nil, nil
	unknown.Hits[0].Body = shared.Hits[0].Body
	got, err = s.Observe(t.Context(), unknown)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	admin, err := pgx.Connect(t.Context(), server.URL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	flush := func(sql string) {
		_, err := admin.Exec(context.WithoutCancel(t.Context()), sql)
		require.NoError(t, err)
	}
	flush("ANALYZE")
	flush("CHECKPOINT")
	for _, secret := range adasBytes {
		require.NotEmpty(t, filesWith(t, dir, secret), "the test looks where she is: %s", secret)
	}

	erasure := erasureOf("1", adasVisitor, adasBytes[2], adasBytes[3])
	erasure.Texts = []string{adasBytes[0], adasBytes[2], adasBytes[3]}
	named, err := s.VisitorsNaming(t.Context(), "acme", erasure.Texts)
	require.NoError(t, err)
	require.ElementsMatch(t, []domain.VisitorID{adasVisitor, "unknown-browser"}, named)
	erasure.Visitors = named
	erased, err := s.Erase(t.Context(), erasure)
	require.NoError(t, err)
	for _, table := range []string{"visits", "sightings", "acquaintances", "pending_events", "events", "leads", "feed_events", "announcements", "deliveries", "receipts", "links"} {
		require.Positive(t, erased.Rows[table], table)
	}
	require.EqualValues(t, 2, erased.Rows["pending_events"], "a lead's event, and a visitor that entered")
	flush("CHECKPOINT")
	for _, secret := range adasBytes[:2] { // the others are keys of links
		require.Empty(t, filesWith(t, dir, secret), secret)
	}
	// The keys of removed links are told for a day, so that nodes drop them.
	for range 3 {
		_, err = s.Maintain(t.Context(), now.Add(25*time.Hour), domain.Retention{})
		require.NoError(t, err)
	}
	flush("CHECKPOINT")
	for _, secret := range adasBytes {
		require.Empty(t, filesWith(t, dir, secret), secret)
	}
	require.Zero(t, count(t, s, `SELECT count(*) FROM erasures_due`))
	require.Zero(t, value(t, s.metrics.unerased))
	require.NotEmpty(t, filesWith(t, dir, "cb@example.com"))
	visit, err := s.Visit(t.Context(), domain.VisitorKey{Account: "acme", Visitor: "visitor-of-bob"})
	require.NoError(t, err)
	require.Equal(t, "hem-other", visit.HEMs[0].SHA256)
}

// filesWith lists the files of tables and indexes that have the bytes.
func filesWith(t *testing.T, dir, secret string) (found []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(filepath.Join(dir, "pg", "data", "base"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a table may go while we look
		}
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(secret)) {
			found = append(found, path)
		}
		return nil
	}))
	return found
}

// A node that dies between the erasure and the rewriting forgets nothing; a reader that still sees before the
// erasure is waited for; and what an operator has rewritten is done.
func TestErase_RewritesLaterWhatItCannotNow(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	s := open(t, url, Options{Clock: at(noon)})
	f := claim(t, s, "node", 7)[0]
	lifeOf(t, s, f, "1", "Lovelace", "ada@example.com", "hem", "+1555", adasVisitor, noon)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	dump, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	_, err = dump.Exec(t.Context(), `SELECT 1 FROM leads`) // as pg_dump would, for hours
	require.NoError(t, err)
	_, err = s.Erase(t.Context(), erasureOf("1", adasVisitor, "hem", "+1555"))
	require.NoError(t, err)
	waiting := count(t, s, `SELECT count(*) FROM erasures_due`)
	require.Positive(t, waiting)
	require.EqualValues(t, waiting, value(t, s.metrics.unerased))
	s = open(t, url, Options{Clock: at(noon)}) // another node, or the same again
	maintain(t, s, noon)
	require.Equal(t, waiting, count(t, s, `SELECT count(*) FROM erasures_due`))
	require.NoError(t, dump.Rollback(t.Context()))
	_, err = conn.Exec(t.Context(), `VACUUM FULL leads`)
	require.NoError(t, err)
	before := count(t, s, `SELECT pg_relation_filenode('leads')::bigint`)
	require.Eventually(t, func() bool {
		maintain(t, s, noon)
		return count(t, s, `SELECT count(*) FROM erasures_due`) == 0 // tests beside this one see before it, too
	}, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, before, count(t, s, `SELECT pg_relation_filenode('leads')::bigint`), "not once more")
}

// A day too large to be rewritten under traffic is copied when it is over, and looks as before.
func TestErase_CopiesADayThatIsOver(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	lifeOf(t, s, f, "1", "Lovelace", "ada@example.com", "hem", "+1555", adasVisitor, noon)
	events, fed := count(t, s, `SELECT count(*) FROM events_20261122`), feedOf(t, s, 0)
	for table, day := range map[string]dayTable{"events_20261122": eventDays, "feed_events_20261122": feedDays, "announcements_20261122": announcementDays} {
		before := count(t, s, `SELECT pg_relation_filenode($1::text::regclass)::bigint`, table)
		m := &maintenance{s: s, now: noon, keep: domain.Retention{}.WithDefaults()}
		require.NoError(t, m.locked(t.Context(), func(tx pgx.Tx) error { return day.replace(t.Context(), tx, table) }))
		require.NotEqual(t, before, count(t, s, `SELECT pg_relation_filenode($1::text::regclass)::bigint`, table))
		_, over := m.dayOver(table)
		require.False(t, over, "today is written to")
		m.now = noon.AddDate(0, 0, 2)
		_, over = m.dayOver(table)
		require.True(t, over)
	}
	require.Equal(t, events, count(t, s, `SELECT count(*) FROM events_20261122`))
	require.Equal(t, fed, feedOf(t, s, 0))
	for _, table := range dayTables {
		require.Len(t, partitionsOf(t, s, table), daysBehind+1+daysAhead)
	}
	require.Zero(t, count(t, s, `SELECT count(*) FROM pg_attribute WHERE attrelid IN ('events_20261122'::regclass, 'events_20261129'::regclass)
		AND attname IN ('contact', 'body', 'lead') AND attstattarget <> 0`), "no samples of contacts, in old days and new")
	receive(t, s, f, event("next"))
	require.Equal(t, events+1, count(t, s, `SELECT count(*) FROM events_20261122`))
}

// A row that a commit holds is waited for, without a lock held meanwhile.
func TestErase_WaitsForWhatACommitHolds(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	s := open(t, url, Options{Clock: at(noon)})
	f := claim(t, s, "node", 7)[0]
	lifeOf(t, s, f, "1", "Lovelace", "ada@example.com", "hem", "+1555", adasVisitor, noon)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT 1 FROM visits FOR UPDATE`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { _, err := s.Erase(t.Context(), erasureOf("1", adasVisitor, "hem", "+1555")); done <- err }()
	require.Eventually(t, func() bool { return count(t, s, `SELECT suppression_revision FROM store`) > 0 }, 10*time.Second, time.Millisecond)
	o := meeting(f, "h-other", "v-other", "p-other")
	o.Basis = 1
	got, err := s.Observe(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome, "others go on")
	select {
	case err := <-done:
		t.Fatal("it is not over", err)
	default:
	}
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-done)
	_, err = s.Visit(t.Context(), domain.VisitorKey{Account: "acme", Visitor: adasVisitor})
	require.Equal(t, domain.NotFound, domain.CodeOf(err))
	left, err := json.Marshal(feedOf(t, s, 0))
	require.NoError(t, err)
	require.NotContains(t, string(left), "Lovelace")
}
