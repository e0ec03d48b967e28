// Package graph keeps the identity graph in one file: which keys belong to which person, who works where,
// and which networks are whose. The file is mapped into memory and read where it lies. There is no Go object
// per key, so the garbage collector does not know how large the graph is, and opening takes milliseconds.
//
//	CSV, NDJSON ──▶ Builder ──sort, merge──▶ file ──▶ Library.Use ──▶ Borrow ─▶ Person, Record, Company, Network ─▶ Release
//	                   └──▶ refused rows                  └── the file before: closed when its last borrower gives it back
//
// Promises:
//
//   - A file is never changed. A new one is written beside it under another name and renamed when it is whole.
//   - No byte is answered from before its block's checksum was found right, and no offset is followed before it
//     was checked. A damaged file is refused, or what the damage hides is not found; it never crashes a node
//     and never names the wrong person.
//   - An unknown key is taken for a known one with a probability of (keys in the file) / 2^92: at 20 million keys,
//     once in 2.5e20 questions.
//   - The same rows build the same bytes, but for the time of building in the header.
//
// What it does not know: accounts, what was learned since it was built (package identity's overlay does), and who
// may be identified (suppression).
//
// The layout, and why it is none of the libraries', is in docs/graph.md.
package graph
