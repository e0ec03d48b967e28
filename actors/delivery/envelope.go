package delivery

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Version is the envelope's. Within a version fields are only added; see docs/payload.md.
const Version = "1"

// Envelope is everything that leaves: one form for all types, whose parts are there when they apply. The JSON
// Schemas beside it (package schema) and docs/payload.md say what each field means. The visitor's address and
// browser are not in it, on purpose: no receiver needs them to act, and both identify.
type Envelope struct {
	ID         domain.EventID          `json:"id"`
	Type       domain.AnnouncementType `json:"type"`
	Version    string                  `json:"version"`
	Account    domain.AccountID        `json:"account"`
	OccurredAt Time                    `json:"occurred_at"`
	CreatedAt  Time                    `json:"created_at"`
	Event      Event                   `json:"event"`
	Lead       Lead                    `json:"lead,omitzero"`     // of all but operational events
	Contact    json.RawMessage         `json:"contact,omitempty"` // of lead.*
	// Of visitor.*.
	Match     *Match          `json:"match,omitempty"`
	Person    *domain.Person  `json:"person,omitempty"`
	Company   *domain.Company `json:"company,omitempty"`
	Visit     *Visit          `json:"visit,omitempty"`
	HEMs      []domain.HEM    `json:"hems,omitempty"`
	Sightings int             `json:"sightings,omitempty"`
	// Of operational events.
	Endpoint *Endpoint `json:"endpoint,omitempty"`
	Delivery *Delivery `json:"delivery,omitempty"`
}

// Event is what came in.
type Event struct {
	ID      domain.EventID  `json:"id"`
	Source  domain.SourceID `json:"source"`
	Type    string          `json:"type,omitempty"`
	Name    string          `json:"name,omitempty"`
	Trigger Trigger         `json:"trigger,omitempty"`
	Repeat  *bool           `json:"is_repeat_visit,omitempty"`
	Count   int64           `json:"count,omitempty"`
}

// Trigger is which of the two rules let an event of a visitor out.
type Trigger string

const (
	FirstMatch  Trigger = "first_match"
	EveryUpdate Trigger = "every_update"
)

// Lead is whom the event is about, and what became of it.
type Lead struct {
	ID                domain.LeadID     `json:"id"`
	State             domain.LeadState  `json:"state,omitempty"`
	Revision          int64             `json:"revision,omitempty"`
	Campaign          domain.CampaignID `json:"campaign,omitempty"`
	Buyer             domain.BuyerID    `json:"buyer,omitempty"`
	ReceivedAt        Time              `json:"received_at,omitempty"`
	AssignedAt        Time              `json:"assigned_at,omitempty"`
	FirstIdentifiedAt Time              `json:"first_identified_at,omitempty"`
}

// Match is how the visitor was resolved.
type Match struct {
	Level    domain.MatchLevel `json:"level"`
	By       domain.KeyKind    `json:"by,omitempty"`
	From     string            `json:"from,omitempty"`
	Conflict bool              `json:"conflict"`
}

// Visit is the session that the newest sighting belongs to.
type Visit struct {
	Pixel     domain.PixelID   `json:"pixel"`
	SessionID domain.SessionID `json:"session_id,omitempty"`
	Number    int              `json:"number,omitempty"`
	StartedAt Time             `json:"started_at,omitempty"`
	Duration  float64          `json:"duration_seconds"`
	PageViews int              `json:"page_views"`
	Page      domain.Page      `json:"page,omitzero"`
	Pages     []Page           `json:"pages,omitempty"`
	Referrer  string           `json:"referrer,omitempty"`
	UTM       domain.UTM       `json:"utm,omitzero"`
	Clicks    []domain.Click   `json:"clicks,omitempty"`
	Country   string           `json:"country,omitempty"`
	State     string           `json:"state,omitempty"`
}

// Page is a page view of the visit.
type Page struct {
	URL      string  `json:"url,omitempty"`
	Path     string  `json:"path,omitempty"`
	Title    string  `json:"title,omitempty"`
	At       Time    `json:"at,omitempty"`
	Duration float64 `json:"duration_seconds"`
}

// JSON is the transmitted form, without the escapes that HTML would need: a URL stays readable.
func (e *Envelope) JSON() (json.RawMessage, error) { return encode(e) }

func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, domain.Fail("write envelope", domain.Internal, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Time is RFC 3339 in UTC with milliseconds; empty: not said. It is text from the start: a type with a
// method of its own is encoded by way of a second buffer.
type Time string

func stamp(t time.Time) Time {
	if t.IsZero() {
		return ""
	}
	return Time(t.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// OccurredAt is when the event of an envelope happened, by its source; zero: it does not say. It looks no further than it has
// to: it is asked of every delivery.
func OccurredAt(envelope json.RawMessage) time.Time {
	const mark = `"occurred_at":"`
	_, rest, found := bytes.Cut(envelope, []byte(mark))
	text, _, closed := bytes.Cut(rest[:min(len(rest), len(time.RFC3339Nano))], []byte{'"'})
	if !found || !closed {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return time.Time{}
	}
	return at
}

// seconds is a duration as a number of seconds, to the millisecond.
func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}
