-- What was counted of endpoints' deliveries, by the minute and by the hour. Each writer has rows of its own, which add up;
-- they are written over as long as their slot goes on. Nobody is named in them.
CREATE TABLE stats (
    account  TEXT    NOT NULL,
    endpoint TEXT    NOT NULL,               -- '': all of a tier
    tier     TEXT    NOT NULL,               -- '': of one endpoint
    span     INTEGER NOT NULL,               -- of the slot, in seconds: 60 or 3600
    at       INTEGER NOT NULL,               -- when it begins
    writer   TEXT    NOT NULL,
    body     BLOB    NOT NULL,               -- see package stats
    PRIMARY KEY (account, endpoint, tier, span, at, writer)
);
CREATE INDEX stats_by_age ON stats (span, at);
