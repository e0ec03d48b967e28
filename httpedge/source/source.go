// Package source says what the edge needs of a source of events: a way to verify a request and a way to
// read it. Each kind of source is a package of its own that keeps these promises; the edge knows only the
// interface, so a new kind touches one line of it.
//
//	raw body ──Verify──▶ genuine ──Parse──▶ Draft ──edge: whose is it?──▶ domain.Event
//
// A kind does no I/O, counts nothing and knows no account: whose event it is, is the edge's to decide from
// Draft.Tenant.
package source

import (
	"errors"
	"unicode/utf8"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// Inbound is one configured source. It is safe for concurrent use.
type Inbound interface {
	// Verify judges a request by its raw bytes. Nothing is parsed before it said yes.
	Verify(r signature.Request) signature.Verdict
	// Schemes lists the schemes a verdict can name.
	Schemes() []signature.Scheme
	// Parse reads a verified body into at least one draft. The body is the drafts' to keep: the caller
	// does not change it afterwards. Errors are Invalid and carry a Rule.
	Parse(body []byte) ([]Draft, error)
}

// Draft is an event that is read and not yet placed: Account, Campaign and ReceivedAt are the edge's to
// fill in.
type Draft struct {
	domain.Event
	// Tenant is the source's own name for whose event it is (GHL: the location).
	Tenant string
	// Cut counts values that were too long, too many or of no use as text, and were cut or left out of
	// Contact. The Body has them all.
	Cut int
}

// Rule is what an unreadable body broke. Name is from a fixed vocabulary and labels a metric; Detail is
// for a person.
type Rule struct {
	Name   string
	Detail string
}

func (r Rule) Error() string { return r.Detail }

// The names of rules, as metric labels and as "rule" of a problem.
const (
	JSON      = "json"          // not one JSON value
	UTF8      = "utf8"          // not UTF-8
	Duplicate = "duplicate_key" // one key twice in an object
	Depth     = "depth"         // nested too deep
	Count     = "count"         // too many values
	Required  = "required"      // a needed field is missing or empty
	Type      = "type"          // a needed field is of another type
	Form      = "form"          // a needed field has characters or a length it cannot have
)

// Rules lists every name, for counters that are born at zero.
func Rules() []string {
	return []string{JSON, UTF8, Duplicate, Depth, Count, Required, Type, Form}
}

// maxKey is how much of a key is said back: enough to find it, and an answer stays short whatever was sent.
const maxKey = 64

// RefuseText builds the error of a text that Parse of package strictjson did not take.
func RefuseText(op string, err error) error {
	fault, ok := errors.AsType[*strictjson.Fault](err)
	if !ok {
		return domain.Fail(op, domain.Internal, err)
	}
	return Refuse(op, shorten(fault.Key), ruleOf(fault), fault.Error())
}

// shorten cuts a key between two characters.
func shorten(key string) string {
	const more = "…"
	if len(key) <= maxKey {
		return key
	}
	end := maxKey - len(more)
	for end > 0 && !utf8.RuneStart(key[end]) {
		end--
	}
	return key[:end] + more
}

// ruleOf names, in the edge's words, what a text broke.
func ruleOf(fault *strictjson.Fault) string {
	switch fault.Rule {
	case strictjson.UTF8:
		return UTF8
	case strictjson.Duplicate:
		return Duplicate
	case strictjson.TooDeep:
		return Depth
	case strictjson.TooMany:
		return Count
	}
	return JSON
}

// Refuse builds the error of a body that breaks a rule. Field is a path in the body, empty for the whole.
func Refuse(op, field, rule, detail string) error {
	return &domain.Error{Op: op, Code: domain.Invalid, Field: field, Err: Rule{rule, detail}}
}
