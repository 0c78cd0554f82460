-- The GeoPackage 1.3 core, letter by letter from the standard (OGC 12-128r17, annex C), then the layers and tables of Sarhad.
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL,
  srs_id INTEGER PRIMARY KEY,
  organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL,
  definition TEXT NOT NULL,
  description TEXT
);

INSERT INTO gpkg_spatial_ref_sys VALUES
  ('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]', 'longitude/latitude coordinates in decimal degrees on the WGS 84 spheroid'),
  ('Undefined cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined cartesian coordinate reference system'),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system');

CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY,
  data_type TEXT NOT NULL,
  identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE,
  min_y DOUBLE,
  max_x DOUBLE,
  max_y DOUBLE,
  srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
);

CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL,
  m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id)
);

-- What is filtered on stands in front and the long texts at the end, since SQLite reads a row from its beginning.
CREATE TABLE incidents (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom POINT,
  id TEXT NOT NULL,
  start_date DATE NOT NULL,
  end_date DATE NOT NULL,
  span INTEGER,
  lon DOUBLE,
  lat DOUBLE,
  content_hash INTEGER NOT NULL,
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
  synthetic BOOLEAN NOT NULL,
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
  extra TEXT
);

CREATE TABLE units (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom MULTIPOLYGON,
  id TEXT NOT NULL,
  name TEXT,
  kind TEXT,
  country TEXT,
  province TEXT,
  pcode TEXT,
  iso TEXT,
  name_ur TEXT,
  name_ps TEXT,
  name_fa TEXT,
  label_lon DOUBLE,
  label_lat DOUBLE,
  area_km2 DOUBLE
);

CREATE TABLE border (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom LINESTRING,
  name TEXT
);

CREATE TABLE crossings (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  geom POINT,
  name TEXT,
  pk_district TEXT,
  af_province TEXT,
  accuracy_km DOUBLE,
  note TEXT
);

CREATE TABLE meta (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  key TEXT NOT NULL UNIQUE,
  value TEXT
);

CREATE TABLE datasets (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  name TEXT NOT NULL UNIQUE,
  title TEXT,
  licence TEXT,
  attribution TEXT,
  terms TEXT,
  aggregates_only BOOLEAN NOT NULL,
  synthetic BOOLEAN NOT NULL,
  sample BOOLEAN NOT NULL,
  stale BOOLEAN NOT NULL
);

-- How many incidents of which days and which extent each dataset has in each unit: what is asked of datasets
-- every few seconds must not scan the incidents.
CREATE TABLE dataset_places (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  dataset TEXT NOT NULL,
  country TEXT NOT NULL,
  unit_id TEXT NOT NULL,
  incidents INTEGER NOT NULL,
  first_start DATE NOT NULL,
  last_end DATE NOT NULL,
  min_x DOUBLE,
  min_y DOUBLE,
  max_x DOUBLE,
  max_y DOUBLE,
  UNIQUE (dataset, country, unit_id)
);

CREATE TABLE imports (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  dataset TEXT NOT NULL,
  file TEXT,
  layout TEXT,
  state TEXT NOT NULL,
  started DATETIME NOT NULL,
  finished DATETIME,
  rows_new INTEGER NOT NULL,
  rows_changed INTEGER NOT NULL,
  rows_unchanged INTEGER NOT NULL,
  report TEXT
);

INSERT INTO meta (key, value) VALUES ('program', 'sarhad'), ('change', 0);

INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
  ('incidents', 'features', 'incidents', 'Incidents; the point is a label point, place_kind says what is known of the place', 4326),
  ('units', 'features', 'units', 'Administrative units that incidents are placed in', 4326),
  ('border', 'features', 'border', 'The Afghanistan–Pakistan border line', 4326),
  ('crossings', 'features', 'crossings', 'Border crossings', 4326),
  ('meta', 'attributes', 'meta', 'What the store knows of itself', NULL),
  ('datasets', 'attributes', 'datasets', 'Datasets and their terms', NULL),
  ('dataset_places', 'attributes', 'dataset_places', 'Incidents of each dataset by unit', NULL),
  ('imports', 'attributes', 'imports', 'Loads', NULL),
  ('migrations', 'attributes', 'migrations', 'Versions of the tables', NULL);

INSERT INTO gpkg_geometry_columns VALUES
  ('incidents', 'geom', 'POINT', 4326, 0, 0),
  ('units', 'geom', 'MULTIPOLYGON', 4326, 0, 0),
  ('border', 'geom', 'LINESTRING', 4326, 0, 0),
  ('crossings', 'geom', 'POINT', 4326, 0, 0);
