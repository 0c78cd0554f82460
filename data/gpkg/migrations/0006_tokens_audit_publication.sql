-- Tokens for HTTP. hash is the SHA-256 of a token in hexadecimal digits; the token itself is nowhere.
CREATE TABLE tokens (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  name TEXT,
  scope TEXT NOT NULL,
  hash TEXT NOT NULL,
  created DATETIME NOT NULL,
  expires DATETIME,
  revoked DATETIME
);

-- Who wrote what. Entries are added and never changed.
CREATE TABLE audit (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  at DATETIME NOT NULL,
  who TEXT,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  result TEXT
);

CREATE TRIGGER audit_kept_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_kept_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
-- REPLACE would delete without the trigger of deletes.
CREATE TRIGGER audit_kept_insert BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE fid = NEW.fid)
  BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;

INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
  ('audit', 'attributes', 'audit', 'Who wrote what, never changed', NULL);

-- How much of a dataset everybody sees.
ALTER TABLE datasets ADD COLUMN delay_hours INTEGER NOT NULL DEFAULT 0;
ALTER TABLE datasets ADD COLUMN blur TEXT;
