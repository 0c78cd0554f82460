-- Tokens for HTTP. hash is the SHA-256 of a token; the token itself is nowhere.
CREATE TABLE tokens (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C",
  scope text COLLATE "C" NOT NULL,
  hash bytea NOT NULL,
  created timestamptz NOT NULL,
  expires timestamptz,
  revoked timestamptz
);

-- Who wrote what. Entries are added and never changed.
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  who text COLLATE "C",
  action text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  result text COLLATE "C"
);

CREATE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = '42501';
END $$;
CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_kept();

-- How much of a dataset everybody sees.
ALTER TABLE datasets ADD COLUMN delay_hours bigint NOT NULL DEFAULT 0, ADD COLUMN blur text COLLATE "C";
