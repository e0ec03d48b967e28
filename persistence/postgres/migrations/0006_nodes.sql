-- The nodes that may hold parts, and until when: see domain.LeaseStore. A row for each run of a process, written over
-- several times a second, beside itself on the same page.
CREATE TABLE nodes (
    node    text        PRIMARY KEY COLLATE "C",
    address text        NOT NULL,
    view    text[]      NOT NULL,  -- whom it takes for members
    held    integer     NOT NULL,  -- parts that it holds
    actors  integer     NOT NULL,  -- in its memory
    mail    integer     NOT NULL,  -- messages in their mailboxes
    gone    boolean     NOT NULL,  -- it takes no parts, by its own wish
    until   timestamptz NOT NULL   -- by this server's clock
) WITH (fillfactor = 50);
