-- Which rows of incidents the last changes added, changed or removed, as ranges of fid that may be wider than that. Who keeps a
-- copy of the incidents reads again only these. journal_since in meta is the change number after which nothing is missing.
CREATE TABLE journal (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  change INTEGER NOT NULL,
  from_fid INTEGER NOT NULL,
  to_fid INTEGER NOT NULL
);

CREATE INDEX journal_change ON journal (change);

INSERT INTO meta (key, value) SELECT 'journal_since', value FROM meta WHERE key = 'change';

INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
  ('journal', 'attributes', 'journal', 'Rows of incidents that the last changes touched', NULL);
