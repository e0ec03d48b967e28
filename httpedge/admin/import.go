package admin

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// MaxImport is a file's longest, in bytes: a million hashes. It is read as it comes, a batch at a time.
	MaxImport = 64 << 20
	// maxRejects is how many rejected lines an answer lists; the rest are counted.
	maxRejects = 1000
	maxLine    = 64 << 10
)

// Outcomes of a line.
const (
	lineTaken    = "taken"
	lineRejected = "rejected"
)

// Reject is a line that was not taken, and why. It says nothing of what stood there.
type Reject struct {
	Line   int    `json:"line"`
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
}

// Imported is the answer to an import.
type Imported struct {
	Taken    int      `json:"taken"` // lines that are in force now, those that were before included
	Rejected int      `json:"rejected"`
	Rejects  []Reject `json:"rejects"` // the first 1000
	Revision int64    `json:"revision"`
}

// importSuppressions answers POST /suppressions/import: CSV with a header of kind and value, and of scope,
// pixel and reason where they are given; or one column of e-mails and their hashes, with a header or without.
// What scope, pixel, reason and account the query gives holds for lines that do not say. It commits a batch at
// a time: when the connection breaks, what came before is in force, and the file may be sent again.
func (a *API) importSuppressions(ctx context.Context, c *Call) Reply {
	if c.Body == nil {
		return fail(domain.Fail("import suppressions", domain.Invalid, errors.New("the body is empty")))
	}
	i := &importer{api: a, call: c, out: Imported{Rejects: []Reject{}}, defaults: wish{
		Scope: domain.SuppressionScope(c.Query("scope")), Account: c.Query("account"), Pixel: domain.PixelID(c.Query("pixel")),
		Kind: domain.SuppressEmail, Reason: c.Query("reason"),
	}}
	if _, err := a.suppression(c, i.probe()); err != nil { // what holds for every line is refused once
		return fail(err)
	}
	if err := i.read(ctx, c.Body); err != nil {
		return fail(err)
	}
	return Reply{Body: i.out}
}

// importer reads a file and commits its batches.
type importer struct {
	api      *API
	call     *Call
	defaults wish
	columns  []string // by place; nil: one column, of e-mails
	batch    []domain.Suppression
	out      Imported
}

// probe is a line as it would be with the defaults, to find out whether they can be.
func (i *importer) probe() wish {
	w := i.defaults
	w.Value = "probe@leadwire.invalid"
	return w
}

// read takes the file line by line: a field has no line break in it, so a stray quote costs its own line and
// not the rest of the file, and no more than a line is held.
func (i *importer) read(ctx context.Context, body io.Reader) error {
	const op = "import suppressions"
	source := &io.LimitedReader{R: body, N: MaxImport + 1}
	lines := bufio.NewScanner(source)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan() && source.N > 0; number++ { // past the limit a line may have been cut
		record, ok := split(lines.Text())
		if !ok {
			i.reject(number, "", "not a line of CSV")
			continue
		}
		if number == 1 {
			header, err := i.header(record)
			if err != nil {
				return err
			}
			if header {
				continue
			}
		}
		if err := i.line(ctx, number, record); err != nil {
			return err
		}
	}
	err := lines.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		err = domain.Fail(op, domain.Invalid, fmt.Errorf("a line is over %d bytes", maxLine))
	case err != nil:
		err = domain.Fail(op, domain.Invalid, fmt.Errorf("the body did not come whole: %w", err))
	case source.N <= 0:
		err = domain.Fail(op, domain.Invalid, fmt.Errorf("the body is over %d bytes: send it in parts", MaxImport))
	}
	if kept := i.commit(ctx); kept != nil || err == nil {
		return kept
	}
	return fmt.Errorf("%d lines are in force, then: %w", i.out.Taken, err)
}

// split takes a line apart.
func split(line string) ([]string, bool) {
	line = strings.TrimPrefix(line, "\ufeff")
	if !strings.Contains(line, `"`) {
		return strings.Split(line, ","), true
	}
	record, err := csv.NewReader(strings.NewReader(line)).Read()
	return record, err == nil
}

// columnNames are what a header may have.
func columnNames() []string { return []string{"kind", "value", "scope", "pixel", "reason"} }

// header reads the first line: whether it is one, and what its columns are.
func (i *importer) header(record []string) (bool, error) {
	names := make([]string, len(record))
	for n, name := range record {
		names[n] = strings.ToLower(strings.TrimSpace(name))
	}
	if len(names) == 1 && !slices.Contains([]string{"value", "email", "e-mail", "hem", "hash", "sha256", "md5", "sha1"}, names[0]) {
		return false, nil
	}
	if len(names) == 1 {
		return true, nil
	}
	for n, name := range names {
		if !slices.Contains(columnNames(), name) || slices.Index(names, name) < n {
			return false, domain.FailField("import suppressions", "header",
				fmt.Sprintf("the first line must name columns of %s, each once, or be one column of e-mails; column %d does not", strings.Join(columnNames(), ", "), n+1))
		}
	}
	if !slices.Contains(names, "value") {
		return false, domain.FailField("import suppressions", "header", "there is no column \"value\"")
	}
	i.columns = names
	return true, nil
}

// line takes one record, and commits when a batch is full.
func (i *importer) line(ctx context.Context, number int, record []string) error {
	w := i.defaults
	switch {
	case len(record) == 1 && strings.TrimSpace(record[0]) == "":
		return nil
	case i.columns == nil && len(record) == 1:
		w.Value = record[0]
	case len(record) != len(i.columns):
		i.reject(number, "", fmt.Sprintf("has %d columns, must have %d", len(record), max(1, len(i.columns))))
		return nil
	}
	for n, name := range i.columns {
		text := strings.TrimSpace(record[n])
		if text == "" {
			continue
		}
		switch name {
		case "kind":
			w.Kind = domain.SuppressionKind(strings.ToLower(text))
		case "value":
			w.Value = text
		case "scope":
			w.Scope = domain.SuppressionScope(strings.ToLower(text))
		case "pixel":
			w.Pixel = domain.PixelID(text)
		case "reason":
			w.Reason = text
		}
	}
	s, err := i.api.suppression(i.call, w)
	if err != nil {
		i.reject(number, fieldOf(err), reasonOf(err))
		return nil
	}
	if i.batch = append(i.batch, s); len(i.batch) == maxAdd {
		return i.commit(ctx)
	}
	return nil
}

func (i *importer) reject(line int, field, reason string) {
	i.api.metrics.imports.WithLabelValues(lineRejected).Inc()
	i.out.Rejected++
	if len(i.out.Rejects) < maxRejects {
		i.out.Rejects = append(i.out.Rejects, Reject{line, field, reason})
	}
}

// commit puts the batch in force.
func (i *importer) commit(ctx context.Context) error {
	if len(i.batch) == 0 {
		return nil
	}
	entry := i.api.entry(i.call, "suppress", i.batch[0].Account)
	entry.Detail = fmt.Sprintf("import of %d suppressions", len(i.batch))
	revision, err := i.api.deps.Store.Suppress(ctx, i.batch, nil, entry)
	if err != nil {
		return fmt.Errorf("add suppressions, after %d lines that are in force: %w", i.out.Taken, err)
	}
	i.api.metrics.imports.WithLabelValues(lineTaken).Add(float64(len(i.batch)))
	i.out.Taken += len(i.batch)
	i.out.Revision = revision
	i.batch = nil // the store may keep what it was given
	return nil
}

func fieldOf(err error) string {
	if e, ok := errors.AsType[*domain.Error](err); ok {
		return e.Field
	}
	return ""
}

// reasonOf is an error's rule, without what we were doing.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*domain.Error](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}
