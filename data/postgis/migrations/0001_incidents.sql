-- Texts are compared byte by byte (COLLATE "C"), as the program does, whatever the database sorts by. An empty text is
-- null. The characters 0 to 3, of which PostgreSQL cannot hold the first, are written as three others each; see row.go.
CREATE TABLE incidents (
  fid bigint PRIMARY KEY,
  content_hash bigint NOT NULL,
  import_id bigint NOT NULL,
  start_date date NOT NULL,
  end_date date NOT NULL,
  geom geometry(Point, 4326), -- the label point
  fatalities_low bigint,
  fatalities_best bigint,
  fatalities_high bigint,
  deaths_a bigint,
  deaths_b bigint,
  deaths_civilians bigint,
  deaths_unknown bigint,
  place_radius_m double precision,
  border_km_min double precision,
  border_km_max double precision,
  line bigint,
  type_of_violence bigint,
  synthetic boolean NOT NULL,
  id text COLLATE "C" NOT NULL,
  dataset text COLLATE "C" NOT NULL,
  source_id text COLLATE "C",
  country text COLLATE "C",
  unit_id text COLLATE "C",
  event_type text COLLATE "C",
  sub_event_type text COLLATE "C",
  event_class text COLLATE "C",
  event_type_text text COLLATE "C",
  location_precision text COLLATE "C",
  location_precision_code text COLLATE "C",
  verification text COLLATE "C",
  clarity text COLLATE "C",
  time_precision text COLLATE "C",
  time text COLLATE "C",
  province text COLLATE "C",
  district text COLLATE "C",
  pcode text COLLATE "C",
  unit_then text COLLATE "C",
  district_then text COLLATE "C",
  subunit_id text COLLATE "C",
  place_kind text COLLATE "C",
  border_side text COLLATE "C",
  actor1 text COLLATE "C",
  actor2 text COLLATE "C",
  dyad text COLLATE "C",
  location_name text COLLATE "C",
  location_text text COLLATE "C",
  summary text COLLATE "C",
  file text COLLATE "C",
  assoc_actors text[] COLLATE "C",
  candidates text[] COLLATE "C",
  place_units text[] COLLATE "C",
  warnings text[] COLLATE "C",
  claims json,
  sources json,
  -- What words are looked up in, in small letters as the program makes them: PostgreSQL's own differ between locales.
  words text COLLATE "C" NOT NULL,
  actor_words text COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX incidents_id ON incidents (id);
-- Which and why: docs/decisions/0009-postgis.md.
CREATE INDEX incidents_start ON incidents (start_date, ST_X(geom), ST_Y(geom));
CREATE INDEX incidents_long ON incidents USING gist (daterange(start_date, end_date, '[]')) WHERE end_date > start_date;
CREATE INDEX incidents_geom ON incidents USING gist (geom);

-- The history of an incident: its rows here by vid, then its row in incidents. op is put, the row as it was, or gone:
-- an import took it away. import_id says who wrote each.
CREATE TABLE versions AS SELECT 0::bigint AS vid, ''::text COLLATE "C" AS op, 0::bigint AS until_change, * FROM incidents WITH NO DATA;
ALTER TABLE versions ALTER COLUMN vid SET NOT NULL, ALTER COLUMN op SET NOT NULL;
ALTER TABLE versions ALTER COLUMN vid ADD GENERATED ALWAYS AS IDENTITY, ADD PRIMARY KEY (vid);
CREATE INDEX versions_id ON versions (id, vid);
CREATE INDEX versions_fid ON versions (fid);
CREATE INDEX versions_import ON versions (import_id);

CREATE TABLE imports (
  id bigint PRIMARY KEY,
  dataset text COLLATE "C" NOT NULL,
  file text COLLATE "C",
  layout text COLLATE "C",
  mapping text COLLATE "C",
  who text COLLATE "C",
  hash text COLLATE "C",
  state text COLLATE "C" NOT NULL,
  started timestamptz NOT NULL,
  finished timestamptz,
  rows_new bigint NOT NULL DEFAULT 0,
  rows_changed bigint NOT NULL DEFAULT 0,
  rows_unchanged bigint NOT NULL DEFAULT 0,
  rows_gone bigint NOT NULL DEFAULT 0,
  report text COLLATE "C"
);

CREATE TABLE datasets (
  name text COLLATE "C" PRIMARY KEY,
  title text COLLATE "C",
  licence text COLLATE "C",
  attribution text COLLATE "C",
  terms text COLLATE "C",
  version text COLLATE "C",
  accessed text COLLATE "C",
  aggregates_only boolean NOT NULL,
  public_set boolean NOT NULL DEFAULT false, -- the operator said whether it is public
  synthetic boolean NOT NULL,
  sample boolean NOT NULL,
  stale boolean NOT NULL DEFAULT false -- the sums in dataset_places are too wide
);

-- How many incidents of which days and which extent each dataset has in each unit: what is asked of datasets every few
-- seconds must not scan the incidents.
CREATE TABLE dataset_places (
  dataset text COLLATE "C" NOT NULL,
  country text COLLATE "C" NOT NULL,
  unit_id text COLLATE "C" NOT NULL,
  incidents bigint NOT NULL,
  first_start date NOT NULL,
  last_end date NOT NULL,
  min_x double precision,
  min_y double precision,
  max_x double precision,
  max_y double precision,
  PRIMARY KEY (dataset, country, unit_id)
);

CREATE TABLE links (
  a_fid bigint NOT NULL,
  b_fid bigint NOT NULL,
  reasons text COLLATE "C" NOT NULL,
  days int NOT NULL,
  km double precision,
  PRIMARY KEY (a_fid, b_fid)
);
CREATE INDEX links_b ON links (b_fid);

CREATE TABLE clusters (
  fid bigint PRIMARY KEY,
  cluster bigint NOT NULL
);

-- Which rows of incidents each change may have touched.
CREATE TABLE journal (
  change bigint NOT NULL,
  from_fid bigint NOT NULL,
  to_fid bigint NOT NULL
);
CREATE INDEX journal_change ON journal (change);

CREATE TABLE state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  change bigint NOT NULL DEFAULT 0, -- grows with every commit that readers can see
  journal_since bigint NOT NULL DEFAULT 0, -- the journal knows what changed after this
  next_fid bigint NOT NULL DEFAULT 1, -- a number is never given twice
  reverting bigint, -- an import that is to be taken back
  linked text COLLATE "C" -- by which rules links were found, and of which datasets
);
INSERT INTO state DEFAULT VALUES;
