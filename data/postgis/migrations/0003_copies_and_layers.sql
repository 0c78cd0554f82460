-- copying is the mark of a copy that is being made into this store, boundaries the set of units that its incidents were
-- placed in: the hash and the name of its file, null for the bundled one.
ALTER TABLE state ADD COLUMN copying text COLLATE "C", ADD COLUMN boundaries text COLLATE "C";

-- The fixed layers, for programs that read the tables. The program itself does not read them.
CREATE TABLE units (
  fid bigint PRIMARY KEY,
  geom geometry(MultiPolygon, 4326),
  id text NOT NULL,
  name text,
  kind text,
  country text,
  province text,
  pcode text,
  iso text,
  name_ur text,
  name_ps text,
  name_fa text,
  label_lon double precision,
  label_lat double precision,
  area_km2 double precision
);
CREATE INDEX units_geom ON units USING gist (geom);

CREATE TABLE border (
  fid bigint PRIMARY KEY,
  geom geometry(LineString, 4326),
  name text
);

CREATE TABLE crossings (
  fid bigint PRIMARY KEY,
  geom geometry(Point, 4326),
  name text,
  pk_district text,
  af_province text,
  accuracy_km double precision,
  note text
);

-- What stands in each layer, so that it is written only if it differs.
CREATE TABLE layers (
  name text PRIMARY KEY,
  hash text NOT NULL
);
