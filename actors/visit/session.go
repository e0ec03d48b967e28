package visit

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// sessionIdle is the default of Pixel.SessionIdle.
	sessionIdle = 30 * time.Minute
	// maxDuration caps a page's and a session's visible time: a tab that is open all night was not read all
	// night, and a clock that jumped must not make a year.
	maxDuration = 24 * time.Hour
	// maxClicks is how many click ids a session remembers: one of each advertiser that matters.
	maxClicks = 8
)

// next is the visit as it stands after a hit, whoever it is of: the session's part of the work. v is not
// changed, and shares nothing that is changed later.
func next(v domain.Visit, key domain.VisitorKey, h *domain.Hit, idle time.Duration) domain.Visit {
	if idle <= 0 {
		idle = sessionIdle
	}
	v.Account, v.Visitor = key.Account, key.Visitor
	if v.Session == "" || (h.ReceivedAt.Sub(v.LastAt) > idle && !leaves(v, h)) {
		v = begin(v, h)
	}
	v.Pixel = h.Pixel
	if h.ReceivedAt.After(v.LastAt) {
		v.LastAt = h.ReceivedAt
	}
	if h.Country != "" {
		v.Country, v.State = h.Country, h.State
	}
	return v
}

// begin starts a session with a hit. Who the visitor is outlives it; what was seen does not.
func begin(v domain.Visit, h *domain.Hit) domain.Visit {
	v.Session, v.Number = sessionOf(v, h), v.Number+1
	v.StartedAt, v.LastAt = h.ReceivedAt, h.ReceivedAt
	v.Views, v.Unhanded, v.Pages, v.Duration = 0, 0, nil, 0
	v.Referrer, v.UTM, v.Clicks = "", domain.UTM{}, nil
	if v.Person == "" {
		v.Company, v.Match = "", domain.Match{} // a company is where somebody was, and may have left
	}
	return v
}

// sessionOf makes a session's id from what began it, as a UUID of version 8: the same hit, sent again after
// a lost answer, begins the same session.
func sessionOf(v domain.Visit, h *domain.Hit) domain.SessionID {
	sum := sha256.Sum256([]byte("session\x00" + string(v.Account) + "\x00" + string(v.Visitor) + "\x00" + string(h.ID)))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	x := hex.EncodeToString(b)
	return domain.SessionID(x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:])
}

// leaves says whether a hit is the leave of a page of this very session.
func leaves(v domain.Visit, h *domain.Hit) bool {
	return h.Type == domain.PageLeave && h.View != "" && pageOf(v.Pages, h) >= 0
}

// see adds what a hit says of the page, the campaign and the person to a visit. A suppressed hit is not seen.
func see(v domain.Visit, h *domain.Hit) domain.Visit {
	if v.Views == 0 && v.Referrer == "" {
		v.Referrer = h.Page.Referrer
	}
	if v.UTM == (domain.UTM{}) {
		v.UTM = h.UTM
	}
	v.Clicks = withClicks(v.Clicks, h.Clicks)
	switch h.Type {
	case domain.PageView:
		v.Views++
		v.Pages = withPage(v.Pages, h)
	case domain.PageLeave:
		v.Pages, v.Duration = withLeave(v.Pages, v.Duration, h)
	case domain.Identify:
		if identifies(h) {
			v.HEMs, v.Phone = h.HEMs, h.Phone
		}
	}
	return v
}

// identifies says whether a hit names somebody.
func identifies(h *domain.Hit) bool {
	return h.Type == domain.Identify && (len(h.HEMs) > 0 || h.Phone != "")
}

// withPage adds a page view: the first one stays, and the newest.
func withPage(pages []domain.PageSeen, h *domain.Hit) []domain.PageSeen {
	out := slices.Clone(pages)
	if len(out) >= domain.MaxPages {
		out = slices.Delete(out, 1, len(out)-domain.MaxPages+2)
	}
	return append(out, domain.PageSeen{View: h.View, URL: h.Page.URL, Path: h.Page.Path, Title: h.Page.Title, At: happened(h)})
}

// withLeave adds how long a page was seen. The script reports the whole of it each time the page is hidden, so
// what counts is the longest report. The leave of a page that is no longer remembered says nothing: how much
// of it was counted before is not known.
func withLeave(pages []domain.PageSeen, total time.Duration, h *domain.Hit) ([]domain.PageSeen, time.Duration) {
	i := pageOf(pages, h)
	if i < 0 {
		return pages, total
	}
	longer := min(h.Duration, maxDuration) - pages[i].Duration
	if longer <= 0 {
		return pages, total
	}
	out := slices.Clone(pages)
	out[i].Duration += longer
	return out, min(total+longer, maxDuration)
}

// pageOf finds the view that a hit belongs to, the newest if it does not say; -1 when it is not there.
func pageOf(pages []domain.PageSeen, h *domain.Hit) int {
	if h.View == "" {
		return len(pages) - 1
	}
	for i := len(pages) - 1; i >= 0; i-- {
		if pages[i].View == h.View {
			return i
		}
	}
	return -1
}

// withClicks adds click ids; the first of each kind stays, as the campaign does.
func withClicks(known, more []domain.Click) []domain.Click {
	out := known
	for _, c := range more {
		if len(out) >= maxClicks || slices.ContainsFunc(out, func(k domain.Click) bool { return k.Kind == c.Kind }) {
			continue
		}
		out = append(out[:len(out):len(out)], c)
	}
	return out
}

// happened is the page's own time of a hit, and ours when it sent none.
func happened(h *domain.Hit) time.Time {
	if h.OccurredAt.IsZero() {
		return h.ReceivedAt
	}
	return h.OccurredAt
}
