package delivery

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Step is something to do. A shell does the steps in order.
type Step interface{ step() }

// Decide asks for Store.Judge; its answer comes back to Judge.Judged.
type Decide struct{ Judgement domain.Judgement }

// Wake asks to call Judge.Due after a while: updates are due then, or a pause is over. A call too early or too
// many does no harm.
type Wake struct{ After time.Duration }

// Refresh asks to read what has changed in the catalog and in the suppressions; the outcome comes back to
// Judge.Refreshed.
type Refresh struct{}

// LoadContact asks for the contact of a CRM's lead; it comes back to Judge.Contact, nil when there is no such lead.
type LoadContact struct{ Lead domain.LeadKey }

// Enter tells of a pending event that was committed with a judgement: the visitor enters a campaign. It is a hint;
// recovery finds the event as well.
type Enter struct{ Pending domain.Pending }

// Announced tells of announcements that have been committed.
type Announced struct{ Announcements []domain.Announcement }

// Settled tells what became of N sightings of a judgement that has been committed, to be counted.
type Settled struct {
	Verdict Verdict
	N       int
}

// Abandon says that another node owns this lead now: stop, and let the cluster look again.
type Abandon struct{}

// Dropped reports a sighting that this activation gives up on. It stays in the store, where the gauge of the oldest
// one owed shows it and the next recovery finds it.
type Dropped struct {
	N   int64
	Err error
}

func (Decide) step()      {}
func (Wake) step()        {}
func (Refresh) step()     {}
func (LoadContact) step() {}
func (Enter) step()       {}
func (Announced) step()   {}
func (Settled) step()     {}
func (Abandon) step()     {}
func (Dropped) step()     {}

// Verdict is what the rules made of a sighting.
type Verdict string

const (
	First      Verdict = "first"      // announced as visitor.identified
	Update     Verdict = "update"     // went into a visitor.updated
	NoPixel    Verdict = "no_pixel"   // its pixel was deleted since
	Suppressed Verdict = "suppressed" // suppressed since it was matched, or the contact was erased
	NoCompany  Verdict = "company"    // a company, and the pixel announces people only
	WrongType  Verdict = "type"       // Announce.Types
	WrongPage  Verdict = "page"       // Announce.Pages
	TooShort   Verdict = "duration"   // Announce.MinDuration
	NoSegment  Verdict = "segment"    // Announce.Segments
	FirstOnly  Verdict = "first_only" // an update, and the pixel announces first matches only
	TooOften   Verdict = "frequency"  // an update over Announce.Frequency
)

// Verdicts lists every one, for whoever counts them.
func Verdicts() []Verdict {
	return []Verdict{First, Update, NoPixel, Suppressed, NoCompany, WrongType, WrongPage, TooShort, NoSegment, FirstOnly, TooOften}
}
