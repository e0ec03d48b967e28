package admin

import (
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// deliveryRow is a delivery as it is listed.
type deliveryRow struct {
	N            int64                   `json:"n"`
	Account      domain.AccountID        `json:"account"`
	Endpoint     domain.EndpointID       `json:"endpoint"`
	Event        domain.EventID          `json:"event"`
	Announcement int64                   `json:"announcement"` // its seq
	Type         domain.AnnouncementType `json:"type"`
	Lead         domain.LeadID           `json:"lead"`
	State        domain.DeliveryState    `json:"state"`
	Class        string                  `json:"class"`
	Replay       bool                    `json:"replay,omitempty"`
	Behind       bool                    `json:"behind,omitempty"` // an earlier one of its lead goes first
	Attempts     int                     `json:"attempts"`
	OwedAt       stamp                   `json:"owed_at"`
	DueAt        stamp                   `json:"due_at"` // null: it has ended, or waits behind an earlier one
	FirstAt      stamp                   `json:"first_at"`
	FailedAt     stamp                   `json:"failed_at"`
	ReleaseAt    stamp                   `json:"release_at"` // when those behind it go all the same
	EndedAt      stamp                   `json:"ended_at"`
	Reason       string                  `json:"reason,omitempty"`
}

func rowOfDelivery(d domain.Delivery) deliveryRow {
	return deliveryRow{
		N: d.N, Account: d.Account, Endpoint: d.Endpoint, Event: d.Event, Announcement: d.Announcement, Type: d.Type, Lead: d.Lead,
		State: d.State, Class: className(d.Class), Replay: d.Replay, Behind: d.Behind, Attempts: d.Attempts,
		OwedAt: stamp(d.OwedAt), DueAt: stamp(d.DueAt), FirstAt: stamp(d.FirstAt), FailedAt: stamp(d.FailedAt),
		ReleaseAt: stamp(d.ReleaseAt), EndedAt: stamp(d.EndedAt), Reason: d.Reason,
	}
}

func className(c domain.Class) string {
	switch c {
	case domain.ClassFirst:
		return "first"
	case domain.ClassUpdate:
		return "update"
	case domain.ClassRetry:
		return "retry"
	default:
		return "replay"
	}
}

// attemptRow is what is known of an attempt, kept or not.
type attemptRow struct {
	At        stamp             `json:"at"`
	Phases    phases            `json:"phases_ms"`
	Status    int               `json:"status,omitempty"` // absent: no answer
	Error     domain.ErrorClass `json:"error,omitempty"`  // absent: success
	Reason    string            `json:"reason,omitempty"`
	Address   string            `json:"address,omitempty"`
	Header    domain.Header     `json:"header,omitempty"` // of the answer
	Body      string            `json:"body,omitempty"`   // of the answer, its beginning
	Truncated bool              `json:"truncated,omitempty"`
}

// receiptRow is an attempt that is kept.
type receiptRow struct {
	Number      int            `json:"number"`
	Trigger     domain.Trigger `json:"trigger"`
	ScheduledAt stamp          `json:"scheduled_at"`
	attemptRow
	Batch           string `json:"batch,omitempty"`  // webhook-id of the request, when it carried other events too
	Secret          string `json:"secret,omitempty"` // the id of the one that signed it
	CatalogRevision int64  `json:"catalog_revision"`
	OutOfOrder      bool   `json:"out_of_order,omitempty"`
	NextAt          stamp  `json:"next_at"` // null: it was the last
}

func rowOfReceipt(r domain.Receipt) receiptRow {
	return receiptRow{
		Number: r.Number, Trigger: r.Trigger, ScheduledAt: stamp(r.ScheduledAt),
		attemptRow: attemptRow{
			At: stamp(r.At), Phases: phasesOf(r.Phases), Status: r.Status, Error: r.Error, Reason: r.Reason,
			Address: r.Address, Header: r.Header, Body: textOf(r.Body), Truncated: r.Truncated,
		},
		Batch: r.Batch, Secret: r.SecretID, CatalogRevision: r.Revision, OutOfOrder: r.OutOfOrder, NextAt: stamp(r.NextAt),
	}
}

// phases are the parts of an attempt in milliseconds; what did not happen is left out.
type phases struct {
	Held    float64 `json:"held,omitempty"`
	Gather  float64 `json:"gather,omitempty"`
	Queue   float64 `json:"queue,omitempty"`
	Blocked float64 `json:"blocked,omitempty"`
	DNS     float64 `json:"dns,omitempty"`
	Connect float64 `json:"connect,omitempty"`
	TLS     float64 `json:"tls,omitempty"`
	First   float64 `json:"first,omitempty"`
	Body    float64 `json:"body,omitempty"`
	Total   float64 `json:"total,omitempty"`
}

func phasesOf(p domain.Phases) phases {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return phases{ms(p.Held), ms(p.Gather), ms(p.Queue), ms(p.Blocked), ms(p.DNS), ms(p.Connect), ms(p.TLS), ms(p.First), ms(p.Body), ms(p.Total)}
}

// textOf is an answer's body as text: endpoints answer JSON, HTML or words, and what is none of them is of no use.
func textOf(body []byte) string { return strings.ToValidUTF8(string(body), "\uFFFD") }
