package graph

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// Source is an input: rows as CSV with a header line, or as JSON objects one a line. What its first byte is
// tells which; a name that ends in .gz is unpacked.
type Source struct {
	Name string
	From io.Reader
	Size int64 // bytes to come, for the time left; 0: not known
}

// OpenSource opens a file; "-" is standard input.
func OpenSource(name string, stdin io.Reader) (Source, io.Closer, error) {
	if name == "-" {
		return Source{Name: name, From: stdin}, io.NopCloser(nil), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return Source{}, nil, domain.Fail("read "+name, codeOf(err), err)
	}
	stat, err := f.Stat()
	if err != nil {
		return Source{}, nil, errors.Join(err, f.Close())
	}
	return Source{Name: name, From: f, Size: stat.Size()}, f, nil
}

// Persons reads people from sources, one after the other.
func (b *Builder) Persons(ctx context.Context, sources ...Source) error {
	return b.read(ctx, ReadingPersons, sources, personTable)
}

// Companies reads companies.
func (b *Builder) Companies(ctx context.Context, sources ...Source) error {
	return b.read(ctx, ReadingCompanies, sources, companyTable)
}

// Networks reads networks.
func (b *Builder) Networks(ctx context.Context, sources ...Source) error {
	return b.read(ctx, ReadingNetworks, sources, networkTable)
}

// maxLine is the longest row: sixteen times a long record's, and small beside the memory for sorting.
const maxLine = 1 << 20

// rows gives a source's rows one by one.
type rows interface {
	// next hands the next row to the builder; io.EOF after the last. An Invalid error refuses the row, any other
	// ends the build.
	next(b *Builder) error
	// line is where the row began.
	line() int64
}

func (b *Builder) read(ctx context.Context, stage Stage, sources []Source, t table) error {
	total := int64(0)
	for _, s := range sources {
		if total += s.Size; s.Size == 0 {
			total = 0
			break
		}
	}
	b.meter.start(stage, total)
	before := int64(0)
	for _, s := range sources {
		counted := &counter{from: s.From}
		r, err := b.open(s.Name, counted, t)
		if err != nil {
			return domain.Fail("read "+s.Name, domain.CodeOf(err), err)
		}
		for {
			err := r.next(b)
			if errors.Is(err, io.EOF) {
				break
			}
			var refused *domain.Error
			switch {
			case errors.As(err, &refused) && refused.Code == domain.Invalid:
				b.sum.Refused++
				b.cfg.Refused(Refusal{File: s.Name, Line: r.line(), Field: refused.Field, Reason: refused.Err.Error()})
			case err != nil:
				return fmt.Errorf("read %s, line %d: %w", s.Name, r.line(), err)
			}
			if b.meter.step(before + counted.n); b.meter.p.Rows%looks == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		before += counted.n
	}
	b.meter.end()
	return nil
}

// open finds out what a source is.
func (b *Builder) open(name string, from io.Reader, t table) (rows, error) {
	if strings.HasSuffix(name, ".gz") {
		unpacked, err := gzip.NewReader(from)
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		from = unpacked
	}
	in := bufio.NewReaderSize(from, 256<<10)
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3)
	}
	first, err := in.Peek(1)
	for ; err == nil && (first[0] == '\n' || first[0] == '\r' || first[0] == ' '); first, err = in.Peek(1) {
		_, _ = in.Discard(1)
	}
	switch {
	case errors.Is(err, io.EOF):
		return nothing{}, nil
	case err != nil:
		return nil, err
	case first[0] == '{':
		return &jsonRows{in: in, table: t, lenient: b.cfg.IgnoreUnknown}, nil
	}
	return newCSVRows(in, t, b.cfg.IgnoreUnknown)
}

// nothing is an empty source.
type nothing struct{}

func (nothing) next(*Builder) error { return io.EOF }
func (nothing) line() int64         { return 0 }

// counter counts what was read of a source, packed or not.
type counter struct {
	from io.Reader
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}
