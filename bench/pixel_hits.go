package bench

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// hits makes the requests of a pixel run: page views and leaves as the script sends them, so many in one
// request, all of one visitor. A request is a copy of a template with its digits patched in.
//
// Request n comes from visitor n·stride modulo the number of visitors: every visitor comes back about
// equally often, never twice in a row, and those whom the graph knows are spread evenly among the others.
type hits struct {
	request  []byte
	batch    int
	visitors int64
	stride   int64             // from the visitor of one request to that of the next
	visitor  int               // where the 12 digits of the visitor stand
	lane     func(n int64) int // which of the run's pixels request n is for; nil: there is one
	pixel    int               // where the 4 digits of its number stand
	digits   []int             // where the 10 digits of each event's number stand, as often as it stands there
	each     int               // of them per event
}

const (
	vDigits = 12
	vMark   = "@@@@@@@@@@@@"
	// benchOrigin is the site that carries the pixel, and benchAgent a browser that is no bot.
	benchOrigin = "https://shop.example"
	benchAgent  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	benchPixel  = "bench"
	// A run with several pixels numbers them.
	lDigits = 4
	lMark   = "$$$$"
)

// laneID is one of several pixels.
func laneID(i int) domain.PixelID {
	return domain.PixelID(fmt.Sprintf("%s-%0*d", benchPixel, lDigits, i))
}

// visitorID is a browser of the run: a UUID with its number at the end.
func visitorID(run string, v int64) string { return fmt.Sprintf("%s-0000-4000-8000-%012d", run, v) }

// newLanes builds the template of a run with several pixels: lane says which of them request n is for.
func newLanes(run, host string, at int64, visitors int64, lane func(n int64) int) *hits {
	h := newHits(run, host, benchPixel+"-"+lMark, at, 1, visitors)
	h.lane = lane
	return h
}

// newHits builds the template. at is the client's clock, in milliseconds: all events happen when they are sent.
func newHits(run, host, pixel string, at int64, batch int, visitors int64) *hits {
	items := make([]string, batch)
	for i := range items {
		items[i] = fmt.Sprintf(hitView, run, at)
		if i%2 == 1 {
			items[i] = fmt.Sprintf(hitLeave, run, at)
		}
	}
	body := "[" + strings.Join(items, ",") + "]"
	head := fmt.Sprintf("POST /p?px=%s&v=%s-0000-4000-8000-%s&t=%d HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nUser-Agent: %s\r\n"+
		"Accept: */*\r\nAccept-Language: en-US\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n",
		pixel, run, vMark, at, host, benchOrigin, benchAgent, len(body))
	h := &hits{request: []byte(head + body), batch: batch, visitors: visitors, stride: strideOf(visitors), visitor: strings.Index(head, vMark), pixel: strings.Index(head, lMark)}
	for from := len(head); ; {
		i := bytes.Index(h.request[from:], []byte(nMark))
		if i < 0 {
			break
		}
		h.digits = append(h.digits, from+i)
		from += i + nDigits
	}
	h.each = len(h.digits) / batch
	return h
}

const (
	hitView = `{"id":"%s-##########","type":"page_view","view":"v##########","url":"https://shop.example/pricing?plan=pro&utm_source=google&utm_medium=cpc&utm_campaign=autumn",` +
		`"title":"Pricing - Example Shop","referrer":"https://www.example.org/search","at":%d}`
	hitLeave = `{"id":"%s-##########","type":"page_leave","view":"v##########","url":"https://shop.example/pricing?plan=pro&utm_source=google&utm_medium=cpc&utm_campaign=autumn",` +
		`"title":"Pricing - Example Shop","duration":14500,"at":%d}`
)

// of is the visitor of request n.
func (h *hits) of(n int64) int64 { return n * h.stride % h.visitors }

// strideOf is a step that visits all of so many visitors before any comes a second time, in the order that is the most
// even at every moment: a golden section of their number apart, and sharing no factor with it. (A step of 3 would send
// all who are known in one block: a storm of first matches, and then none.)
func strideOf(visitors int64) int64 {
	golden := int64(math.Round(float64(visitors) * (math.Sqrt(5) - 1) / 2))
	for step := max(golden, 1); ; step++ {
		if gcd(step, visitors) == 1 {
			return step
		}
	}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// build returns request n, ready for the wire. The slice is valid until the next call.
func (h *hits) build(n int64) []byte {
	writeDigits(h.request[h.visitor:h.visitor+vDigits], h.of(n))
	if h.lane != nil {
		writeDigits(h.request[h.pixel:h.pixel+lDigits], int64(h.lane(n)))
	}
	for i, at := range h.digits {
		writeDigits(h.request[at:at+nDigits], n*int64(h.batch)+int64(i/h.each))
	}
	return h.request
}

// writeDigits fills to with the decimal digits of v, zeros in front.
func writeDigits(to []byte, v int64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i], v = byte('0'+v%10), v/10
	}
}
