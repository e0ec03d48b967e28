package pixel

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/valyala/fasthttp"
)

//go:embed assets/p.src.js
var written string

// Script is a pixel's script, ready to be sent.
type Script struct {
	Plain, Gzip, Brotli []byte
	Tag                 string // names the content: an ETag without its quotes
}

// settings is what the script is told of its pixel. It finds out by itself where it came from, and hits go
// there; To is for pages that have copied it into a file of their own.
type settings struct {
	ID      domain.PixelID `json:"id"`
	Allow   []string       `json:"allow,omitempty"`
	Deny    []string       `json:"deny,omitempty"`
	Consent bool           `json:"consent,omitempty"`
	To      string         `json:"to,omitempty"`
}

// NewScript makes a pixel's script. to is the URL of POST /p, if it is known.
func NewScript(p domain.Pixel, to string) (*Script, error) {
	if p.Paused {
		return pack("/* this pixel is paused */\n"), nil
	}
	told, err := json.Marshal(settings{p.ID, p.Allow, p.Deny, p.Consent == domain.ConsentRequired, to})
	if err != nil {
		return nil, domain.Fail("make a pixel's script", domain.Internal, err)
	}
	return pack(fmt.Sprintf("%s(%s);\n", strip(written), told)), nil
}

// Unknown is the script of a pixel that does not exist. A script that is answered 404 is silent; this one
// tells whoever looks into the console.
func Unknown() *Script {
	return pack("console.warn('leadwire: no such pixel; see the id in the URL of this script');\n")
}

// strip leaves out what only people read: lines that are comments, indentation, and spaces outside of quotes
// that part no two words. It is no minifier: names stay, and compression makes up for them. The source keeps
// to its side: comments have lines of their own, quotes are single ones, and no pattern has a space or a
// quote.
func strip(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		quoted := false
		for i := range len(line) {
			quoted = quoted != (line[i] == '\'')
			if line[i] != ' ' || quoted || wordly(line[i-1]) && wordly(line[i+1]) {
				b.WriteByte(line[i])
			}
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func wordly(c byte) bool { return c == '_' || c == '$' || plain(string(c), "") }

// Levels of compression: the best. It is done once for each pixel and change, and takes some 10 ms.
const (
	gzipLevel   = fasthttp.CompressBestCompression
	brotliLevel = fasthttp.CompressBrotliBestCompression
)

func pack(text string) *Script {
	sum := sha256.Sum256([]byte(text))
	return &Script{
		Plain:  []byte(text),
		Gzip:   fasthttp.AppendGzipBytesLevel(nil, []byte(text), gzipLevel),
		Brotli: fasthttp.AppendBrotliBytesLevel(nil, []byte(text), brotliLevel),
		Tag:    hex.EncodeToString(sum[:12]),
	}
}

// Scripts keeps the scripts of a directory's pixels, each made when it is first asked for.
type Scripts struct {
	to string

	mu      sync.Mutex
	dir     *domain.Directory
	made    map[domain.PixelID]*Script
	unknown *Script
}

// NewScripts keeps scripts that send their hits to a URL, if it is known.
func NewScripts(to string) *Scripts { return &Scripts{to: to} }

// Of returns a pixel's script, or Unknown's and false.
func (s *Scripts) Of(dir *domain.Directory, id domain.PixelID) (script *Script, known bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != dir {
		s.dir, s.made = dir, map[domain.PixelID]*Script{}
	}
	p := dir.Pixel(id)
	if p == nil {
		if s.unknown == nil {
			s.unknown = Unknown()
		}
		return s.unknown, false, nil
	}
	if script = s.made[id]; script == nil {
		if script, err = NewScript(p.Pixel, s.to); err != nil {
			return nil, true, err
		}
		s.made[id] = script
	}
	return script, true, nil
}
