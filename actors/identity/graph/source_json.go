package graph

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// jsonRows reads one JSON object a line.
type jsonRows struct {
	in      *bufio.Reader
	table   table
	lenient bool
	at      int64
	long    []byte // a line longer than the reader's buffer
}

func (r *jsonRows) line() int64 { return r.at }

func (r *jsonRows) next(b *Builder) error {
	for {
		line, err := r.readLine()
		if err != nil {
			return err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			decoder := json.NewDecoder(bytes.NewReader(line))
			if !r.lenient {
				decoder.DisallowUnknownFields()
			}
			err := r.table.json(b, decoder)
			var ours *domain.Error
			if err != nil && !errors.As(err, &ours) {
				return refuseJSON(err)
			}
			return err
		}
	}
}

// readLine returns the next line, which may lack its end if it is the last. A line over maxLine is passed over,
// and refused.
func (r *jsonRows) readLine() ([]byte, error) {
	r.at++
	line, err := r.in.ReadSlice('\n')
	if err == nil || errors.Is(err, io.EOF) && len(line) > 0 {
		return line, nil
	}
	r.long = append(r.long[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = r.in.ReadSlice('\n')
		if len(r.long) <= maxLine {
			r.long = append(r.long, line...)
		}
	}
	switch {
	case len(r.long) > maxLine && (err == nil || errors.Is(err, io.EOF)):
		return nil, refuse("", "is longer than a row may be: "+strconv.Itoa(maxLine)+" bytes")
	case err == nil || errors.Is(err, io.EOF) && len(r.long) > 0:
		return r.long, nil
	}
	return nil, err
}

// refuseJSON turns the decoder's complaint into a field and a rule.
func refuseJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return refuse(wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:], "must not be a JSON "+wrong.Value)
	}
	return refuse("", "is no JSON object of the kind: "+err.Error())
}

// decodeJSON reads one object and makes sure that nothing follows it.
func decodeJSON(d *json.Decoder, to any) error {
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

// personJSON is a person's row as JSON.
type personJSON struct {
	domain.Person
	HEMs     []hemJSON   `json:"hems"`
	Emails   []string    `json:"emails"`
	Visitors []string    `json:"visitors"`
	Clicks   []clickJSON `json:"clicks"`
	SeenAt   timeJSON    `json:"seen_at"`
}

type companyJSON struct {
	domain.Company
	SeenAt timeJSON `json:"seen_at"`
}

type networkJSON struct {
	Network string   `json:"network"`
	Domain  string   `json:"domain"`
	SeenAt  timeJSON `json:"seen_at"`
}

func (p *personJSON) row() PersonRow {
	row := PersonRow{Person: p.Person, Emails: p.Emails, Visitors: p.Visitors, SeenAt: time.Time(p.SeenAt)}
	for _, h := range p.HEMs {
		row.HEMs = append(row.HEMs, domain.HEM(h))
	}
	for _, c := range p.Clicks {
		row.Clicks = append(row.Clicks, domain.Click(c))
	}
	return row
}

// hemJSON is a HEM, or one of its digests as a string.
type hemJSON domain.HEM

func (h *hemJSON) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '"' {
		return json.Unmarshal(b, (*domain.HEM)(h))
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	hem, ok := identity.ReadDigest(text)
	if !ok {
		return refuse("hems", "must be digests in hex: MD5, SHA-1 or SHA-256")
	}
	*h = hemJSON(hem)
	return nil
}

// clickJSON is a click id as an object, or as "gclid:EAIaIQ...".
type clickJSON domain.Click

func (c *clickJSON) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '"' {
		return json.Unmarshal(b, (*domain.Click)(c))
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	click, err := readClick(text)
	*c = clickJSON(click)
	return err
}

// timeJSON is a time as a string or as a number of seconds.
type timeJSON time.Time

func (t *timeJSON) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	at, err := readTime(text)
	*t = timeJSON(at)
	return err
}

// table says how the rows of one kind are read.
type table struct {
	json    func(*Builder, *json.Decoder) error
	columns []string
	csv     func(*Builder, record) error
}

var (
	personTable = table{
		json: func(b *Builder, d *json.Decoder) error {
			var p personJSON
			if err := decodeJSON(d, &p); err != nil {
				return err
			}
			return b.AddPerson(p.row())
		},
		columns: append(append([]string{"id", "phones", "hems"}, personNames[:]...), "emails", "visitors", "clicks", "seen_at"),
		csv:     addPersonRecord,
	}
	companyTable = table{
		json: func(b *Builder, d *json.Decoder) error {
			var c companyJSON
			if err := decodeJSON(d, &c); err != nil {
				return err
			}
			return b.AddCompany(CompanyRow{c.Company, time.Time(c.SeenAt)})
		},
		columns: append(append([]string{"domain"}, companyNames[:]...), "employee_count", "year_founded", "seen_at"),
		csv:     addCompanyRecord,
	}
	networkTable = table{
		json: func(b *Builder, d *json.Decoder) error {
			var n networkJSON
			if err := decodeJSON(d, &n); err != nil {
				return err
			}
			return addNetwork(b, n.Network, n.Domain, time.Time(n.SeenAt))
		},
		columns: []string{"network", "domain", "seen_at"},
		csv:     addNetworkRecord,
	}
)

func addNetwork(b *Builder, text, name string, seen time.Time) error {
	var network netip.Prefix
	network, err := readNetwork(text)
	if err != nil {
		return err
	}
	return b.AddNetwork(NetworkRow{network, name, seen})
}
