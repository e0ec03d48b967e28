package domain

import (
	"errors"
	"fmt"
)

// Code answers the one question a caller has: what can I do about it?
type Code string

const (
	Invalid     Code = "invalid"     // fix the request: the error names the field and the rule
	Unverified  Code = "unverified"  // fix the signature or the key
	Forbidden   Code = "forbidden"   // it is genuine, but not yours
	NotFound    Code = "not_found"   // no such thing, or not in your account
	Conflict    Code = "conflict"    // someone was first: read, then decide
	Fenced      Code = "fenced"      // another node owns this partition now: stop acting for it
	Unavailable Code = "unavailable" // try again later; the outcome may be unknown, and trying again is safe
	Internal    Code = "internal"    // tell us
)

// Error is what crosses a package boundary. The edge shows Code; the log shows all of it.
type Error struct {
	Op    string // what we were doing, as a verb: "assign lead"
	Code  Code
	Field string // for Invalid: the field at fault, as a path ("accounts[0].buyers[2].daily_cap")
	Err   error
}

func (e *Error) Error() string {
	switch {
	case e.Field != "" && e.Err != nil:
		return fmt.Sprintf("%s: %s: %v", e.Op, e.Field, e.Err)
	case e.Err != nil:
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	default:
		return fmt.Sprintf("%s: %s", e.Op, e.Code)
	}
}

func (e *Error) Unwrap() error { return e.Err }

// Fail builds an Error. A nil err is allowed where the code says it all.
func Fail(op string, code Code, err error) *Error { return &Error{Op: op, Code: code, Err: err} }

// FailField builds an Invalid error that names a field and the rule it broke.
func FailField(op, field, rule string) *Error {
	return &Error{Op: op, Code: Invalid, Field: field, Err: errors.New(rule)}
}

// CodeOf finds the code of the nearest Error in a chain. An error that carries none is Internal, nil
// is "".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// ErrNotWritten is behind an Unavailable answer of a store that has not written what it was given, and will not: whoever asked is
// as far as before. Without it an Unavailable leaves open whether it was written.
var ErrNotWritten = errors.New("it was not written")

// ErrFenced is the store's answer to a commit whose epoch is no longer the partition's.
var ErrFenced = &Error{Op: "commit", Code: Fenced, Err: errors.New("another node has claimed the partition since")}
