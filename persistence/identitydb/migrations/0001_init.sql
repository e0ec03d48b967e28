-- The identity graph's slow tier. Whoever owns the data fills these tables (COPY, or INSERT ... ON CONFLICT);
-- Leadwire reads them and writes nothing.

-- What somebody can be found by. kind is visitor, md5, sha1, sha256, phone or click; key is a hash in its bytes
-- (decode(hex, 'hex'); of a phone the SHA-256 of its E.164 form with the +), a visitor's id or "gclid:EAIaIQ..."
-- as text (convert_to(text, 'UTF8')). Bytes are half of what hexadecimal digits take, in the table and in its
-- index.
CREATE TABLE IF NOT EXISTS identity_keys (
    kind   text  NOT NULL,
    key    bytea NOT NULL,
    person text  NOT NULL,
    PRIMARY KEY (kind, key)
);

-- An erasure removes a person's keys by the person.
CREATE INDEX IF NOT EXISTS identity_keys_person ON identity_keys (person);

-- data is a record as the graph's: first_name, last_name, title, business_email, phones, state, hems, company, ...
-- company is the domain of where somebody works. A key whose person has no row here finds nobody.
CREATE TABLE IF NOT EXISTS identity_people (
    id   text  PRIMARY KEY,
    data jsonb NOT NULL
);

-- data: name, industry, employee_count, revenue_range, ...
CREATE TABLE IF NOT EXISTS identity_companies (
    domain text  PRIMARY KEY,
    data   jsonb NOT NULL
);
