"""Cut both countries' units to one border line and close the gaps along it.

usage: cut.py PK-UNITS.geojson AF-UNITS.geojson OSM.geojson OUT.geojson

The two geoBoundaries sets draw the same border independently, up to 10 km
apart, so their units overlap and gap along it. OpenStreetMap's line decides:
what lies on the other country's side of it is erased, and what is then left
uncovered within GAP_DEGREES of the line goes to the neighbour that touches it
most. Everything is in degrees, lon lat, CRS84; lengths are only compared with
each other, so the distortion does not matter.
"""
import json
import sys

import shapely
from shapely.geometry import mapping, shape

# About 7 km north to south: wide enough for the worst disagreement between
# the sets (at Mohmand and Upper Chitral) and narrow enough not to pull in land
# along the coast or along Iran, where nothing is to be reconciled.
GAP_DEGREES = 0.065
# Slivers below about 100 m² are left to the final clean-up.
MIN_GAP = 1e-8
# Parts below about 10,000 m² are crumbs of the dissolve, not islands (the
# smallest real one, in the Indus delta, is fifty times as large); the final
# clean-up gives the room they leave to a neighbour.
MIN_PART = 1e-6


def read(path, key):
    with open(path, encoding="utf-8") as f:
        return {ft["properties"][key]: shapely.make_valid(shape(ft["geometry"])) for ft in json.load(f)["features"]}


def polygons(geom):
    """Yield the polygons of any geometry, dropping the lines and points an overlay leaves."""
    for part in getattr(geom, "geoms", [geom]):
        if part.geom_type == "Polygon" and not part.is_empty:
            yield part
        elif part.geom_type in ("MultiPolygon", "GeometryCollection"):
            yield from polygons(part)


def areal(geom, least=0.0):
    return shapely.union_all([p for p in polygons(geom) if p.area >= least])


def main(pk_path, af_path, osm_path, out_path):
    countries = read(osm_path, "A3")
    line = shapely.intersection(countries["PAK"].boundary, countries["AFG"].boundary)
    near = line.buffer(GAP_DEGREES)

    out = {}
    for path, own, other in ((pk_path, "PAK", "AFG"), (af_path, "AFG", "PAK")):
        units = {u: areal(g.difference(countries[other])) for u, g in read(path, "unit").items()}
        names = list(units)
        tree = shapely.STRtree([units[n] for n in names])
        gaps = countries[own].intersection(near).difference(shapely.union_all(list(units.values())))
        given, filled = {}, 0
        for gap in polygons(gaps):
            if gap.area < MIN_GAP:
                continue
            best, best_length = None, 0.0
            for i in tree.query(gap):
                shared = gap.boundary.intersection(units[names[i]].boundary).length
                if shared > best_length:
                    best, best_length = names[i], shared
            if best is not None:
                given.setdefault(best, []).append(gap)
                filled += 1
        for name, pieces in given.items():
            units[name] = areal(shapely.union_all([units[name], *pieces]))
        out.update({name: areal(geom, MIN_PART) for name, geom in units.items()})
        print(f"cut: {own}: {len(units)} units, {filled} gaps along the line given to a neighbour")

    with open(out_path, "w", encoding="utf-8") as f:
        json.dump(
            {
                "type": "FeatureCollection",
                "features": [
                    {"type": "Feature", "properties": {"unit": u}, "geometry": mapping(g)} for u, g in out.items()
                ],
            },
            f,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
