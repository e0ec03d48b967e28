-- The pixel: who came by, whom accounts know, what must not be identified, and what leaves.
--
-- As in the first migration, tables that grow are keyed by a number that rises and have narrow indexes of
-- their own. Numbers that somebody remembers beyond their row's end (a settled sighting's, a reader's place
-- in a list) are AUTOINCREMENT: they never come twice. What the code only ever reads whole is JSON in a
-- blob; columns are what is compared, patched or looked for.

-- A hit's event points to the one before it of the same visitor (0: it is the first), so that a visitor's
-- hits are found from its visit without an index, which would cost every hit a page. NULL: not a hit.
ALTER TABLE events ADD COLUMN prev INTEGER;
-- The other events of a lead, for an erasure.
CREATE INDEX events_by_lead ON events (lead) WHERE prev IS NULL AND lead <> '';

-- A visitor's lane: one row, rewritten with each hit.
CREATE TABLE visits (
    n          INTEGER PRIMARY KEY,
    account    TEXT    NOT NULL,
    visitor    TEXT    NOT NULL,
    revision   INTEGER NOT NULL,             -- 1 at first; guards read-modify-write
    event_seq  INTEGER NOT NULL,             -- the newest hit: the chain of events.prev begins here
    person     TEXT    NOT NULL,             -- whom it was resolved to, or empty
    born_at    INTEGER NOT NULL,             -- retention's walk ends at the first that is young
    updated_at INTEGER NOT NULL,             -- of the last hit
    visit      BLOB    NOT NULL,             -- JSON; revision and event_seq above are the ones that count
    UNIQUE (visitor, account)
);
CREATE INDEX visits_by_person ON visits (person) WHERE person <> '';

-- What a hit owes to the lead that judges it, until it is judged.
CREATE TABLE sightings (
    n         INTEGER PRIMARY KEY AUTOINCREMENT,
    p         INTEGER NOT NULL,              -- the lead's partition
    due_at    INTEGER NOT NULL,
    account   TEXT    NOT NULL,
    lead      TEXT    NOT NULL,
    visitor   TEXT    NOT NULL,
    revision  INTEGER NOT NULL,              -- of the visit
    event_seq INTEGER NOT NULL,
    spec      BLOB    NOT NULL,              -- JSON without the visit
    visit     BLOB    NOT NULL               -- as it stood
);
-- Recovery passes over what is not due yet, of which there is plenty: two hundred entries a page.
CREATE INDEX sightings_walk ON sightings (n, due_at, p);

-- Whom an account has met. The unique key is what makes a first match happen once.
CREATE TABLE acquaintances (
    n          INTEGER PRIMARY KEY,
    account    TEXT    NOT NULL,
    lead       TEXT    NOT NULL,
    revision   INTEGER NOT NULL,
    born_at    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    spec       BLOB    NOT NULL,
    UNIQUE (lead, account)
);

-- Whose a key is, as accounts have learned: one row a key. A key that goes over to somebody else, or is
-- erased, gets a new number, so that whoever reads on learns of it.
CREATE TABLE links (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    value   TEXT    NOT NULL,
    person  TEXT    NOT NULL,
    origin  TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    removed INTEGER NOT NULL,                -- 1: an erasure took it; the row stays for a day, to be told
    UNIQUE (value, kind, account)
);
CREATE INDEX links_by_person ON links (person) WHERE removed = 0;
CREATE INDEX links_removed ON links (at) WHERE removed = 1;

-- Events that leave.
CREATE TABLE announcements (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT    NOT NULL,
    type    TEXT    NOT NULL,
    lead    TEXT    NOT NULL,
    pixel   TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    payload BLOB    NOT NULL
);
CREATE INDEX announcements_by_account ON announcements (account);
CREATE INDEX announcements_by_lead ON announcements (lead);

-- What must not be identified. settings.suppression_revision is the revision in force.
CREATE TABLE suppressions (
    id         TEXT    PRIMARY KEY,
    revision   INTEGER NOT NULL,             -- when it was added or removed
    removed    INTEGER NOT NULL,             -- 1: no longer in force; the row says so to nodes that hold it
    changed_at INTEGER NOT NULL,
    spec       BLOB    NOT NULL
) WITHOUT ROWID;
CREATE INDEX suppressions_by_revision ON suppressions (revision, id);
CREATE INDEX suppressions_removed ON suppressions (changed_at) WHERE removed = 1;

-- Who did what. Kept for ever.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    account TEXT    NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL
);
CREATE INDEX audit_by_account ON audit (account);

-- Keys of the API: hashes of their secrets, and what they may do.
CREATE TABLE api_keys (
    id   TEXT PRIMARY KEY,
    spec BLOB NOT NULL
) WITHOUT ROWID;
