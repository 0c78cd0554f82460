"""Write subunits.geojson: the tehsils and Afghan districts below our units.

usage: subunits.py cut PK-PARTS.geojson AF-PARTS.geojson UNITS.geojson OUT.geojson
       subunits.py finish PARTS.geojson UNITS.geojson SUBUNITS.csv OUT.geojson

"cut" confines each cleaned source polygon to its unit as it is embedded and
gives what the source leaves uncovered of the unit, mostly along the border
line, to the neighbour with the longest common edge. "finish" names what is
left after simplifying. SUBUNITS.csv holds the names that no rule can mend and
joins polygons of one unit that are given one name.
"""
import csv
import json
import re
import sys

import shapely
from shapely.geometry import mapping, shape

# The other provinces of Pakistan are context units: nothing is placed below them.
WITHIN = ("pk-kp-", "pk-ba-", "af-")
# Crumbs of the overlay below about 10,000 m².
MIN_PART = 1e-6
# How far in degrees the search for a label point may stop short of the best one.
LABEL_TOLERANCE = 0.002
DECIMALS = 4


def read(path, mend=True):
    with open(path, encoding="utf-8") as f:
        found = [(ft["properties"], shape(ft["geometry"])) for ft in json.load(f)["features"]]
    return [(p, shapely.make_valid(g)) for p, g in found] if mend else found


def polygons(geom):
    """Yield the polygons of any geometry, dropping the lines and points an overlay leaves."""
    for part in getattr(geom, "geoms", [geom]):
        if part.geom_type == "Polygon" and not part.is_empty:
            yield part
        elif part.geom_type in ("MultiPolygon", "GeometryCollection"):
            yield from polygons(part)


def areal(geom, least=0.0):
    return shapely.union_all([p for p in polygons(geom) if p.area >= least])


def cut(pk_path, af_path, units_path, out_path):
    units = {p["id"]: g for p, g in read(units_path)}
    below = {}
    for props, geom in read(pk_path) + read(af_path):
        if props["unit"].startswith(WITHIN):
            below.setdefault(props["unit"], []).append((props, geom))
    features, worst = [], (0.0, "")
    for unit, parts in sorted(below.items()):
        whole = units[unit]
        parts = [[props, areal(geom.intersection(whole))] for props, geom in parts]
        gaps = whole.difference(shapely.union_all([g for _, g in parts]))
        worst = max(worst, (gaps.area / whole.area, unit))
        # A hair wide, since the overlay moves vertices by the last bit.
        edges = [g.boundary.buffer(1e-7) for _, g in parts]
        given = [[] for _ in parts]
        for gap in polygons(gaps):
            # A gap at no one's edge goes to the nearest part.
            best = max(
                range(len(parts)),
                key=lambda i: (gap.boundary.intersection(edges[i]).length, -gap.distance(parts[i][1])),
            )
            given[best].append(gap)
        for (props, geom), pieces in zip(parts, given):
            geom = areal(shapely.union_all([geom, *pieces]), MIN_PART)
            if geom.is_empty:
                sys.exit(f"subunits: nothing of {props['name']} lies in {unit}")
            features.append({"type": "Feature", "properties": props, "geometry": mapping(geom)})
    with open(out_path, "w", encoding="utf-8") as f:
        json.dump({"type": "FeatureCollection", "features": features}, f)
    print(f"subunits: {len(features)} polygons in {len(below)} units; largest share filled {worst[0]:.1%} ({worst[1]})")


SUB = re.compile(r"\s+SUB\b-?\s*$", re.I)


def mended(source):
    """The name as we write it, and whether the source calls it a sub-tehsil."""
    name = source.replace("_", " ").strip()
    short = SUB.sub("", name)
    if short.isupper():
        short = re.sub(r"[A-Z]+", lambda m: m[0] if m[0] in ("I", "II", "III", "IV") else m[0].capitalize(), short)
        short = re.sub(r" E ", "-e-", short)
    short = re.sub(r"-\s*I\s*-\s*", "-i-", short)
    short = re.sub(r" Wa ", " wa ", short)
    short = re.sub(r"\s*\(\s*", " (", short)
    return short, short != name and SUB.search(name) is not None


def slug(name):
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def ring(coords):
    return [[round(x, DECIMALS), round(y, DECIMALS)] for x, y in coords]


def rings(polygon):
    # RFC 7946: exterior rings counterclockwise, holes clockwise.
    polygon = shapely.geometry.polygon.orient(polygon)
    return [ring(r.coords) for r in (polygon.exterior, *polygon.interiors)]


def finish(parts_path, units_path, names_path, out_path):
    units = {p["id"]: g for p, g in read(units_path)}
    with open(names_path, encoding="utf-8", newline="") as f:
        table = {(r["source_name"], r["unit"]): r for r in csv.DictReader(f)}
    found, unused, every = {}, set(table), []
    for props, geom in read(parts_path, mend=False):
        source = " ".join(props["name"].split())
        key = (source, props["unit"])
        unused.discard(key)
        name, sub = mended(source)
        note = "sub-tehsil" if sub else ""
        if r := table.get(key):
            name = r["name"]
            note = "; ".join(n for n in (note, r["note"]) if n)
        ident = props["unit"] + "-" + slug(name)
        at = found.setdefault(ident, {"name": name, "unit": props["unit"], "notes": [], "sources": [], "parts": []})
        if at["name"] != name:
            sys.exit(f"subunits: {name} and {at['name']} are both {ident}")
        # A name that the source gives to the wrong polygon is no name of this one.
        if not note.startswith("exchanged"):
            at["sources"].append(source)
        at["notes"] += [note] if note else []
        at["parts"].append(geom)
        every.append(geom)
    if unused:
        sys.exit(f"subunits: not in the source: {sorted(unused)}")
    if not all(g.is_valid for g in every) or not shapely.coverage_is_valid(every):
        sys.exit("subunits: they overlap, or neighbours do not share their vertices")

    order = {u: i for i, u in enumerate(units)}
    features, least, vertices = [], (1.0, ""), 0
    for ident, s in sorted(found.items(), key=lambda kv: (order[kv[1]["unit"]], kv[0])):
        geom = s["parts"][0] if len(s["parts"]) == 1 else shapely.coverage_union_all(s["parts"])
        parts = sorted(polygons(geom), key=lambda p: -p.area)
        inside = areal(parts[0].intersection(units[s["unit"]]))
        label = shapely.maximum_inscribed_circle(max(polygons(inside), key=lambda p: p.area), LABEL_TOLERANCE).coords[0]
        least = min(least, (geom.intersection(units[s["unit"]]).area / geom.area, ident))
        vertices += shapely.get_num_coordinates(geom)
        props = {
            "id": ident,
            "name": s["name"],
            "kind": "district" if ident.startswith("af-") else "tehsil",
            "unit": s["unit"],
            "label": ring([label])[0],
            "names": sorted({n for n in s["sources"] if n != s["name"]}),
        }
        if s["notes"]:
            props["note"] = "; ".join(dict.fromkeys(s["notes"]))
        features.append(
            {
                "type": "Feature",
                "id": ident,
                "properties": props,
                "geometry": {"type": "MultiPolygon", "coordinates": [rings(p) for p in parts]},
            }
        )
    with open(out_path, "w", encoding="utf-8") as f:
        lines = ",\n".join(json.dumps(ft, ensure_ascii=False, separators=(",", ":")) for ft in features)
        f.write('{"type":"FeatureCollection","features":[\n' + lines + "\n]}\n")
    kinds = [ft["properties"]["kind"] for ft in features]
    print(
        f"subunits: {kinds.count('tehsil')} tehsils, {kinds.count('district')} districts, {vertices} vertices; "
        f"least share within its unit {least[0]:.1%} ({least[1]})"
    )


if __name__ == "__main__":
    {"cut": cut, "finish": finish}[sys.argv[1]](*sys.argv[2:])
