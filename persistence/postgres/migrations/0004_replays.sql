-- Jobs that owe what an endpoint was sent, or missed, once more, some at a time. There are some an endpoint and month,
-- and one at most of an endpoint that runs.
CREATE TABLE replays (
    n        bigint   PRIMARY KEY GENERATED ALWAYS AS IDENTITY (CACHE 1),
    account  text     NOT NULL COLLATE "C",
    endpoint text     NOT NULL COLLATE "C",      -- need not be in endpoints: then it finds nothing
    states   smallint[] NOT NULL,                -- of the deliveries that it finds: 1 delivered, 2 exhausted, ...
    since    timestamptz,                        -- of the event; null: the beginning
    until    timestamptz,                        -- null: no end
    state    smallint NOT NULL,                  -- 0 running, 1 done, 2 cancelled
    expected integer  NOT NULL,                  -- how many there were when it began
    done     integer  NOT NULL DEFAULT 0,        -- how many were owed again
    cursor   bigint   NOT NULL,                  -- deliveries.n: up to it all have been looked at,
    upto     bigint   NOT NULL,                  -- and over this one none will be
    made_at  timestamptz NOT NULL,
    ended_at timestamptz,
    made_by  text     NOT NULL
);
CREATE UNIQUE INDEX replays_running ON replays (account, endpoint) WHERE state = 0;
-- Whoever looks for those that run, once a second.
CREATE INDEX replays_that_run ON replays (n) WHERE state = 0;
CREATE INDEX replays_of_account ON replays (account, n);
