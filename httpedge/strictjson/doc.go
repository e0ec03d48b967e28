// Package strictjson reads JSON from strangers: one pass, no reflection, nothing accepted that two readers
// could understand differently.
//
//	text ──Parse──▶ Doc: a flat list of nodes that point into the text ──Get, Children, Text──▶ values
//
// It promises:
//
//   - RFC 8259 and no more: one value, no trailing data, no comments, no NaN.
//   - A key that stands twice in one object is refused, escapes undone before comparing: a signature over
//     {"id":1,"id":2} must not mean 1 to us and 2 to somebody else.
//   - Text is UTF-8. An escaped half of a surrogate pair reads as U+FFFD, because JavaScript senders
//     produce one whenever they cut a string inside an emoji.
//   - Depth and number of values are bounded, so memory is too: a node is 40 bytes.
//
// The standard decoder keeps none of the last three by itself, and its token stream costs several times as
// much: see the benchmarks of package ghl.
package strictjson
