-- Jobs that owe what an endpoint was sent, or missed, once more, some at a time. There are some an endpoint and month,
-- and one at most of an endpoint that runs.
CREATE TABLE replays (
    n        INTEGER PRIMARY KEY AUTOINCREMENT,
    account  TEXT    NOT NULL,
    endpoint TEXT    NOT NULL,               -- need not be in endpoints: then it finds nothing
    states   TEXT    NOT NULL,               -- of the deliveries that it finds: delivered, exhausted, ..., by commas
    since    INTEGER NOT NULL,               -- of the event; 0: the beginning
    until    INTEGER NOT NULL,               -- 0: no end
    state    INTEGER NOT NULL,               -- 0 running, 1 done, 2 cancelled
    expected INTEGER NOT NULL,               -- how many there were when it began
    done     INTEGER NOT NULL,               -- how many were owed again
    cursor   INTEGER NOT NULL,               -- deliveries.n: up to it all have been looked at,
    upto     INTEGER NOT NULL,               -- and over this one none will be
    made_at  INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    made_by  TEXT    NOT NULL
);
CREATE UNIQUE INDEX replays_running ON replays (account, endpoint) WHERE state = 0;
CREATE INDEX replays_of_account ON replays (account, n);
