package graph

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// csvRows reads CSV with a header line. Lists stand in one column, their parts between semicolons.
type csvRows struct {
	in     *csv.Reader
	guard  *guard
	table  table
	record record
	at     int64
}

// record is a row with its columns' names.
type record struct {
	columns map[string]int
	cells   []string
}

func (r record) text(column string) string {
	if i, ok := r.columns[column]; ok {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

func (r record) list(column string) (parts []string) {
	for part := range strings.SplitSeq(r.text(column), ";") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func (r record) number(column string) (int, error) {
	text := r.text(column)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, refuse(column, "must be a whole number")
	}
	return int(n), nil
}

// guard ends the reading of a row that does not end: a quote nobody closes would take the rest of the file for
// one cell.
type guard struct {
	from io.Reader
	left int
}

var errEndless = errors.New("a row does not end within a megabyte: most likely a quote is not closed")

func (g *guard) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errEndless
	}
	n, err := g.from.Read(p[:min(len(p), 4096)])
	g.left -= n
	return n, err
}

func newCSVRows(from io.Reader, t table, lenient bool) (rows, error) {
	r := &csvRows{guard: &guard{from, maxLine}, table: t}
	r.in = csv.NewReader(r.guard)
	r.in.ReuseRecord = true
	head, err := r.in.Read()
	if err != nil {
		return nil, domain.Fail("read header", domain.Invalid, err)
	}
	r.record.columns = map[string]int{}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := r.record.columns[name]; twice {
			return nil, domain.FailField("read header", name, "stands there twice")
		}
		switch {
		case slices.Contains(t.columns, name):
			r.record.columns[name] = i
		case !lenient:
			return nil, domain.FailField("read header", name, fmt.Sprintf("is no column known here; those are %s", strings.Join(t.columns, ", ")))
		}
	}
	if _, ok := r.record.columns[t.columns[0]]; !ok {
		return nil, domain.FailField("read header", t.columns[0], "is missing")
	}
	return r, nil
}

func (r *csvRows) line() int64 { return r.at }

func (r *csvRows) next(b *Builder) error {
	r.guard.left = maxLine
	cells, err := r.in.Read()
	var wrong *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.As(err, &wrong) && !errors.Is(err, errEndless):
		r.at = int64(wrong.StartLine)
		return refuse("", "is not well-formed CSV: "+wrong.Err.Error())
	case err != nil:
		return err
	}
	line, _ := r.in.FieldPos(0)
	r.at, r.record.cells = int64(line), cells
	return r.table.csv(b, r.record)
}

func addPersonRecord(b *Builder, r record) error {
	row := PersonRow{Emails: r.list("emails"), Visitors: r.list("visitors")}
	row.ID = domain.PersonID(r.text("id"))
	row.Phones = r.list("phones")
	for i, to := range personTexts(&row.Person) {
		*to = r.text(personNames[i])
	}
	for _, text := range r.list("hems") {
		hem, ok := identity.ReadDigest(text)
		if !ok {
			return refuse("hems", "must be digests in hex: MD5, SHA-1 or SHA-256")
		}
		row.HEMs = append(row.HEMs, hem)
	}
	for _, text := range r.list("clicks") {
		click, err := readClick(text)
		if err != nil {
			return err
		}
		row.Clicks = append(row.Clicks, click)
	}
	var err error
	if row.SeenAt, err = readTime(r.text("seen_at")); err != nil {
		return err
	}
	return b.AddPerson(row)
}

func addCompanyRecord(b *Builder, r record) error {
	var row CompanyRow
	row.Domain = r.text("domain")
	for i, to := range companyTexts(&row.Company) {
		*to = r.text(companyNames[i])
	}
	var err error
	if row.Employees, err = r.number("employee_count"); err != nil {
		return err
	}
	if row.Founded, err = r.number("year_founded"); err != nil {
		return err
	}
	if row.SeenAt, err = readTime(r.text("seen_at")); err != nil {
		return err
	}
	return b.AddCompany(row)
}

func addNetworkRecord(b *Builder, r record) error {
	seen, err := readTime(r.text("seen_at"))
	if err != nil {
		return err
	}
	return addNetwork(b, r.text("network"), r.text("domain"), seen)
}
