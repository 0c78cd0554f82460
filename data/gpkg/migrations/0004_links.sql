-- What is likely the same event in different datasets: pairs of incidents with what they have in common, and which incidents hang
-- together by pairs. Both tables follow from the incidents and are made anew at the end of a load.
CREATE TABLE links (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  a_fid INTEGER NOT NULL,
  b_fid INTEGER NOT NULL,
  reasons TEXT NOT NULL,
  days INTEGER NOT NULL,
  km DOUBLE
);

CREATE INDEX links_a ON links (a_fid);
CREATE INDEX links_b ON links (b_fid);

-- fid is that of the incident, cluster the smallest one of its cluster.
CREATE TABLE clusters (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  cluster INTEGER NOT NULL
);

INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
  ('links', 'attributes', 'links', 'Pairs of incidents of different datasets that are likely the same event', NULL),
  ('clusters', 'attributes', 'clusters', 'Incidents that are likely the same event, directly or through others', NULL);
