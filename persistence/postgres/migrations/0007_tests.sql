-- Tests that somebody has sent an endpoint stand among what was delivered. Replays pass over them, without a look at each
-- one's announcement for its type.
ALTER TABLE deliveries ADD COLUMN test boolean NOT NULL DEFAULT false;
