package graph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph/spill"
)

// BuildConfig says what is built and with what. Zero fields take their default.
type BuildConfig struct {
	Out    string // the file; it may be one in use: it is replaced and not changed
	Temp   string // folder for sorting, which takes about the size of the input; default: that of Out, since the system's may be memory
	Memory int64  // for sorting; default 512 MiB. The process takes about twice that: the collector's share
	Label  string // says what the data is, at most 64 bytes: "synthetic" when nobody in it exists
	// BuiltAt stands in the header; default now.
	BuiltAt  time.Time
	Progress func(Progress) // told at most every 250 ms, and at each stage's end
	Refused  func(Refusal)  // told of each row that is not taken
	Now      func() time.Time
	// IgnoreUnknown takes files with columns or fields nobody knows. By default they are refused, so that a
	// misspelt column does not leave a field empty for everybody.
	IgnoreUnknown bool
}

// minMemory leaves each sorter some blocks.
const minMemory = 16 << 20

func (c BuildConfig) withDefaults() BuildConfig {
	if c.Memory == 0 {
		c.Memory = 512 << 20
	}
	if c.Temp == "" {
		c.Temp = filepath.Dir(c.Out)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.BuiltAt.IsZero() {
		c.BuiltAt = c.Now()
	}
	if c.Refused == nil {
		c.Refused = func(Refusal) {}
	}
	return c
}

func (c BuildConfig) validate() error {
	switch {
	case c.Out == "":
		return domain.FailField("build graph", "out", "must name the file to build")
	case c.Memory < minMemory:
		return domain.FailField("build graph", "memory", fmt.Sprintf("must be %d MiB at least", minMemory>>20))
	case len(c.Label) > maxLabel:
		return domain.FailField("build graph", "label", fmt.Sprintf("must be %d bytes at most", maxLabel))
	}
	return nil
}

// Refusal is a row that was not taken.
type Refusal struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
}

// Summary is what went in, what became of it, and what was built.
type Summary struct {
	Info    Info  `json:"graph"`
	Rows    int64 `json:"rows"` // taken
	Refused int64 `json:"refused"`
	// Older are rows about a person or a company of which there was a newer one. Their keys are kept.
	Older int64 `json:"older_rows"`
	// Left are e-mails' and phones' keys of older rows that their person's record had no room for.
	Left int64 `json:"keys_left_out"`
	// Repeated are keys given more than once for the same person.
	Repeated int64 `json:"repeated_keys"`
	// Conflicts are keys given for more than one person: the newest row has it, then the smaller person's id.
	Conflicts map[string]int64 `json:"conflicting_keys"`
	// NetworkConflicts are networks given for more than one company, resolved alike.
	NetworkConflicts int64         `json:"conflicting_networks"`
	Spilled          int64         `json:"spilled_bytes"` // sorted on disk
	Took             time.Duration `json:"took"`
}

// Builder builds one file. It is for one goroutine: add rows in any order, then Finish; Close in any case.
//
//	companies ──sort by domain──┬─▶ records ─▶ their keys ──┐
//	networks  ──sort by domain──┘─▶ sort by address ─▶ ranges
//	people    ──sort by id──────────▶ records ─▶ their keys ──┴─▶ sort by fingerprint ─▶ slots
//
// Where rows contradict one another the newest SeenAt holds. Of two rows about one person of the same time
// the later in the input holds; of two people who claim a key at the same time, the one with the smaller id.
type Builder struct {
	cfg       BuildConfig
	began     time.Time
	meter     meter
	words     *words
	companies *spill.Sorter // domain, 0, newest first, latest first ─▶ record
	networks  *spill.Sorter // domain, 0, family, address, bits, newest first
	ranges    *spill.Sorter // family, address, bits, newest first, company's place
	persons   *spill.Sorter // id, 0, newest first, latest first ─▶ keys, record
	keys      *spill.Sorter // fingerprint, newest first, person's place
	out       *writer
	added     int64
	sum       Summary
	key       []byte // buffers, used again for each row
	value     []byte
}

// NewBuilder starts a build. Nothing is written yet but what memory cannot hold.
func NewBuilder(cfg BuildConfig) (*Builder, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	part := func(eighths int64) *spill.Sorter { return spill.New(cfg.Temp, int(cfg.Memory/8*eighths)) }
	return &Builder{
		cfg: cfg, began: cfg.Now(), meter: meter{tell: cfg.Progress, now: cfg.Now}, words: newWords(),
		companies: part(1), networks: part(1), ranges: part(1), persons: part(3), keys: part(3),
		sum: Summary{Conflicts: map[string]int64{}},
	}, nil
}

// newestFirst is a time that sorts before all earlier ones.
func newestFirst(b []byte, t time.Time) []byte {
	at := int64(-1 << 62)
	if !t.IsZero() {
		at = t.UnixMilli()
	}
	return binary.BigEndian.AppendUint64(b, ^(uint64(at) + 1<<63))
}

// latestFirst is a row's number that sorts before all smaller ones.
func (b *Builder) latestFirst(key []byte) []byte {
	return binary.BigEndian.AppendUint64(key, ^uint64(b.added))
}

// AddPerson takes a row about a person. An Invalid error refuses the row; any other ends the build.
func (b *Builder) AddPerson(r PersonRow) error {
	b.added++
	keys, err := r.canonical()
	if err != nil {
		return err
	}
	b.key = b.latestFirst(newestFirst(append(append(b.key[:0], r.ID...), 0), r.SeenAt))
	b.value = binary.BigEndian.AppendUint16(b.value[:0], uint16(len(keys)))
	for _, k := range keys {
		b.value = k.appendTo(b.value)
	}
	before := len(b.value)
	b.value = appendPerson(b.value, &r.Person, b.words)
	if len(b.value)-before > maxRecord {
		return refuse("id", fmt.Sprintf("makes a record of more than %d bytes", maxRecord))
	}
	return b.take(b.persons, b.value)
}

// AddCompany takes a row about a company; errors as AddPerson.
func (b *Builder) AddCompany(r CompanyRow) error {
	b.added++
	if err := r.canonical(); err != nil {
		return err
	}
	b.key = b.latestFirst(newestFirst(append(append(b.key[:0], r.Domain...), 0), r.SeenAt))
	b.value = appendCompany(b.value[:0], &r.Company, b.words)
	return b.take(b.companies, b.value)
}

// AddNetwork takes a row about a network; errors as AddPerson.
func (b *Builder) AddNetwork(r NetworkRow) error {
	b.added++
	if err := r.canonical(); err != nil {
		return err
	}
	b.key = append(append(b.key[:0], r.Domain...), 0)
	b.key = append(b.key, byte(r.Network.Addr().BitLen()/32)) // 1 or 4
	sixteen := r.Network.Addr().As16()
	b.key = append(append(b.key, sixteen[:]...), byte(r.Network.Bits()))
	b.key = newestFirst(b.key, r.SeenAt)
	return b.take(b.networks, nil)
}

func (b *Builder) take(by *spill.Sorter, value []byte) error {
	b.sum.Rows++
	return by.Add(b.key, value)
}

// networkKey is what follows the domain in an entry of networks: family, address, bits, time.
const networkKey = 1 + 16 + 1 + 8

func prefixOf(key []byte) netip.Prefix {
	a := netip.AddrFrom16([16]byte(key[1:17]))
	if key[0] == 1 {
		a = a.Unmap()
	}
	return netip.PrefixFrom(a, int(key[17]))
}

// Close gives back what a build holds. After a Finish that went well it leaves the file alone.
func (b *Builder) Close() error {
	for _, s := range []*spill.Sorter{b.companies, b.networks, b.ranges, b.persons, b.keys} {
		s.Close()
	}
	if b.out != nil {
		return b.out.abandon()
	}
	return nil
}

// errNothing: a file without rows is most likely the wrong file, and taking it into use would match nobody.
var errNothing = errors.New("there is nothing to build: no row was taken")
