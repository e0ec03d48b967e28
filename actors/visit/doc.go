// Package visit decides what happens to the hits of one visitor: the session they belong to, whom they are
// of, and what the lead of that person is told. It only decides: it is told what happened and answers with
// the steps to take, so that whole lives of a visitor are replayed from a seed.
//
//	Hits ─▶ known? ──no──▶ Load ──▶ session ─▶ suppressed? ─▶ match ─▶ suppressed? ──▶ Observe (one commit)
//	          └──────yes──────────────▲                                                   │
//	                                  ├── Stale: somebody else wrote the row ─────────────┤
//	              Refresh ──▶─────────┴── Outdated: suppressions have changed ◀───────────┤
//	                                                                                      ▼
//	                       Answer (the sender has its 204) · Sight (the lead judges) · Ask (the slow tier)
//	                                                                                      │
//	                 Observe without a hit: earlier views go along  ◀── somebody ── Found ◀┘
//
// A session ends by inactivity: Pixel.SessionIdle (30 minutes) without a hit, measured by when hits were
// received. Midnight and a new campaign do not split it; the first campaign of a session stays its own. Two
// rules beside that: the leave of a page belongs to the session of its view, however long it was looked at;
// and when somebody else is identified at the same browser, that is another visit, so that the pages of one
// person never leave under another's name.
//
// Promises:
//
//   - One commit is under way at a time, and hits are handled in the order they came, so the row and the
//     sightings of a visitor follow the order of its hits.
//   - Hits that came together are one commit, and so are groups that queued up behind one, up to domain.MaxHits.
//     It ends as if they had come one by one, but that every sighting shows the visit as the last of them left
//     it. Where that would be another visit, or a suppressed one, the commit ends before, and the rest is the
//     next: no page of one person is judged as another's.
//   - A group is answered once per asker, after the store has answered for all of it. It does not wait for the
//     slow tier.
//   - Who is suppressed is not matched: what is known beforehand is asked before the look-up, what the record
//     says after it, and nothing of the record is kept. A suppressed hit leaves in the visit that it was
//     there, when, and by which rule; no page, no hash, no person. Its answer looks like any other.
//   - Every hit of somebody known, and every late identification, owes a sighting in the same commit. Sight is
//     the hint that spares recovery the search.
//   - What this package remembers is a shortcut; the store's keys and revisions decide. One thing is nowhere else:
//     that the slow tier was asked. A crash before its answer is committed loses it until the visitor's next hit.
//
// It opens no socket, reads no clock and stores nothing.
package visit
