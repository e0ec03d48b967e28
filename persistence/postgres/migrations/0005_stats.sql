-- What was counted of endpoints' deliveries, by the minute and by the hour. Each writer has rows of its own, which add up;
-- they are written over every few seconds as long as their slot goes on, beside themselves on the same page where there
-- is room. Nobody is named in them.
CREATE TABLE stats (
    account  text        NOT NULL COLLATE "C",
    endpoint text        NOT NULL COLLATE "C",   -- '': all of a tier
    tier     text        NOT NULL COLLATE "C",   -- '': of one endpoint
    span     integer     NOT NULL,               -- of the slot, in seconds: 60 or 3600
    at       timestamptz NOT NULL,               -- when it begins
    writer   text        NOT NULL COLLATE "C",
    body     bytea       NOT NULL,               -- see package stats
    PRIMARY KEY (account, endpoint, tier, span, at, writer)
) WITH (fillfactor = 50);
CREATE INDEX stats_by_age ON stats (span, at);
