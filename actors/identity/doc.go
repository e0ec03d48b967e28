// Package identity says who a visitor is, and of whom nothing may be said. It decides in memory and waits for
// nothing; what is slow is asked beside it (Slow) and comes back as an answer like any other.
//
//	evidence ─▶ overlay ──▶ graph ──▶ told by the slow tier ──▶ network
//	            learned     the file   asked before              the company only
//
// What somebody is found by is a key: the visitor's id, an e-mail's hash in any variant and digest, a phone's
// hash, a click's id. Keys disagree: devices are shared, links are passed on, data is old. The rule:
//
//  1. An identify call on the hit decides, by its own hashes. If they are known nowhere, the visitor is a
//     person all the same, known by its hash alone ("hem-"); while the slow tier has yet to answer, that is
//     not said.
//  2. Else the overlay decides, else the graph's file, else what the slow tier has told. In each the strongest
//     kind of key wins: visitor, e-mail, phone, click; within a kind the newest link, then the smaller id.
//  3. A visitor resolved before stays who it is until an identify call or a stronger kind of key says
//     otherwise.
//  4. A person of our own making gives way to a better one that is found by a visitor, an e-mail or a phone: a
//     hash to a CRM's lead, and either to somebody the graph knows. That is why an account's CRM may know
//     somebody first and the graph later.
//  5. When nobody is found, the network may still name a company.
//
// If a key names somebody else than was chosen, the match says so (Match.Conflict).
//
// # Suppression
//
// Suppressions are exact. They are asked twice: before anybody is looked up, with what the hit brings, and
// before what was found is written down, with what its record brings (SubjectOf): a hit that has one hash of an
// e-mail finds the record that has all of them. Whoever is known by a hash alone has it in its id. What this cannot see is a digest that shares nothing with what
// was suppressed: an MD5 from a page is not found by a SHA-256 from a list, unless a record has both. So an
// e-mail in clear is the better thing to suppress; only hashes of it are kept.
//
// Package identity knows no store, no lane and no socket. Files are read in package graph, a database in
// persistence/identitydb.
package identity
