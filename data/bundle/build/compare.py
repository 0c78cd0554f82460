"""Compare two sets of units by overlap ratio: area of intersection / area of union.

usage: compare.py OURS.geojson REFERENCE.geojson [LEAST]

Areas are planar in degrees; over one unit the ratio is the same as on the
ground to well below the third decimal. Exits 1 if any unit is missing or below
LEAST (0.98). The reference is never an input of the build.
"""
import json
import sys

import shapely
from shapely.geometry import shape


def read(path):
    with open(path, encoding="utf-8") as f:
        return {
            ft.get("id") or ft["properties"].get("id") or ft["properties"]["unit"]: shapely.make_valid(shape(ft["geometry"]))
            for ft in json.load(f)["features"]
        }


def main(ours_path, reference_path, least="0.98"):
    ours, reference = read(ours_path), read(reference_path)
    ratios = sorted(
        (ours[u].intersection(reference[u]).area / ours[u].union(reference[u]).area, u)
        for u in ours.keys() & reference.keys()
    )
    for ratio, unit in ratios[:5]:
        print(f"{ratio:.4f} {unit}")
    differ = ours.keys() ^ reference.keys()
    bad = [u for r, u in ratios if r < float(least)]
    print(f"compare: {len(ratios)} units, least overlap {ratios[0][0]:.4f}, below {least}: {bad}, only in one set: {sorted(differ)}")
    return 1 if bad or differ else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
