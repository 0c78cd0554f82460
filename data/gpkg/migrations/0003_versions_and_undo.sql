-- What an import replaced or took away, so that it can be looked up and undone. A row is an incident as it was (op 'put')
-- or the mark that an import took it away (op 'gone'). The rows of an id in the order of fid, and then the row in
-- incidents if there is one, are its history. Columns that are added to incidents have to be added here.
CREATE TABLE versions (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  op TEXT NOT NULL,
  until_change INTEGER,
  incident_fid INTEGER,
  geom BLOB,
  id TEXT NOT NULL,
  start_date DATE,
  end_date DATE,
  span INTEGER,
  lon DOUBLE,
  lat DOUBLE,
  content_hash INTEGER,
  dataset TEXT NOT NULL,
  country TEXT,
  unit_id TEXT,
  event_type TEXT,
  sub_event_type TEXT,
  event_class TEXT,
  type_of_violence INTEGER,
  fatalities_low INTEGER,
  fatalities_best INTEGER,
  fatalities_high INTEGER,
  location_precision TEXT,
  verification TEXT,
  synthetic BOOLEAN,
  import_id INTEGER NOT NULL,
  line INTEGER,
  time_precision TEXT,
  time TEXT,
  province TEXT,
  district TEXT,
  pcode TEXT,
  place_kind TEXT,
  place_radius_m DOUBLE,
  border_km_min DOUBLE,
  border_km_max DOUBLE,
  border_side TEXT,
  source_id TEXT,
  actor1 TEXT,
  actor2 TEXT,
  assoc_actors TEXT,
  dyad TEXT,
  location_name TEXT,
  location_text TEXT,
  location_precision_code TEXT,
  clarity TEXT,
  file TEXT,
  summary TEXT,
  extra TEXT,
  unit_then TEXT,
  district_then TEXT,
  subunit_id TEXT
);

CREATE INDEX versions_id ON versions (id, fid);

INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
  ('versions', 'attributes', 'versions', 'Incidents as they were before imports changed them or took them away', NULL);

ALTER TABLE imports ADD COLUMN hash TEXT;
ALTER TABLE imports ADD COLUMN mapping TEXT;
ALTER TABLE imports ADD COLUMN who TEXT;
ALTER TABLE imports ADD COLUMN rows_gone INTEGER NOT NULL DEFAULT 0;
UPDATE imports SET state = 'failed' WHERE state = 'aborted';

ALTER TABLE datasets ADD COLUMN version TEXT;
ALTER TABLE datasets ADD COLUMN accessed TEXT;
-- True where the operator has said whether single incidents may be given out, which no load changes.
ALTER TABLE datasets ADD COLUMN public_set BOOLEAN NOT NULL DEFAULT 0;
