"""Write the page's backdrop: neighbouring land and town labels.

usage: backdrop.py land LAND.geojson BOUNDARIES.geojson OUT.json
       backdrop.py towns CITIES.json TOWNS.csv OUT.json

Land comes from Natural Earth by way of mapshaper (see build.sh), already
clipped. towns.csv is our choice of towns, with English, Urdu, Pashto (ps) and Dari (fa) names and a
rank; the positions come from GeoNames.
"""
import csv
import json
import sys
import unicodedata

import shapely
from shapely.geometry import mapping, shape

# Names as the page shows them; Natural Earth's own are English only.
URDU = {
    "Afghanistan": "افغانستان", "Pakistan": "پاکستان", "Iran": "ایران", "India": "بھارت", "China": "چین",
    "Tajikistan": "تاجکستان", "Uzbekistan": "ازبکستان", "Turkmenistan": "ترکمانستان", "Kyrgyzstan": "کرغیزستان",
    "Kazakhstan": "قازقستان", "Oman": "عمان", "Nepal": "نیپال", "United Arab Emirates": "متحدہ عرب امارات", "Saudi Arabia": "سعودی عرب",
    "Yemen": "یمن",
}  # fmt: skip
# Neither a country nor anyone's undisputed land: drawn as land, without name or outline.
UNNAMED = {"Siachen Glacier"}
DECIMALS = 2
# Islands below about 30 km² are smaller than a pixel at zoom 5.
MIN_ISLAND = 0.003


def dump(path, opening, items, closing):
    with open(path, "w", encoding="utf-8") as f:
        f.write(opening + "\n" + ",\n".join(json.dumps(i, ensure_ascii=False, separators=(",", ":")) for i in items))
        f.write("\n" + closing + "\n")


def rounded(value):
    if isinstance(value, (list, tuple)):
        return [rounded(v) for v in value]
    return round(value, DECIMALS)


def geometry(geom):
    g = mapping(geom)
    return {"type": g["type"], "coordinates": rounded(g["coordinates"])}


def land(land_path, boundaries_path, out):
    features = []
    with open(land_path, encoding="utf-8") as f:
        for ft in json.load(f)["features"]:
            name = ft["properties"]["name"]
            parts = [p for p in shapely.get_parts(shape(ft["geometry"])) if p.area >= MIN_ISLAND]
            if not parts:
                continue
            geom = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
            at = shapely.maximum_inscribed_circle(max(parts, key=lambda p: p.area), 0.1).coords[0]
            props = {"kind": "land", "n": name, "ur": URDU.get(name, ""), "at": rounded(at)}
            if name in UNNAMED:
                props["n"] = ""
            features.append({"type": "Feature", "properties": props, "geometry": geometry(geom)})
    with open(boundaries_path, encoding="utf-8") as f:
        for ft in json.load(f)["features"]:
            pair = sorted((ft["properties"]["a"], ft["properties"]["b"]))
            # The outlines of these two are drawn from our own units, which
            # Natural Earth's generalised lines would double.
            if "Afghanistan" in pair or "Pakistan" in pair or UNNAMED & set(pair):
                continue
            props = {"kind": "boundary", "between": pair}
            features.append({"type": "Feature", "properties": props, "geometry": geometry(shape(ft["geometry"]))})
    dump(out, '{"type":"FeatureCollection","features":[', features, "]}")


def plain(name):
    """Fold a GeoNames spelling to bare ASCII letters: Spīn Bōldak and Spin Boldak are one."""
    return "".join(c for c in unicodedata.normalize("NFKD", name) if c.isascii() and c.isalnum()).lower()


def towns(cities_path, towns_path, out):
    with open(cities_path, encoding="utf-8") as f:
        cities = {}
        for c in json.load(f):
            if c["country"] in ("PK", "AF"):
                cities.setdefault((c["country"], plain(c["name"])), []).append(c)
    items = []
    with open(towns_path, encoding="utf-8", newline="") as f:
        for r in csv.DictReader(f):
            found = [
                c
                for c in cities.get((r["country"], plain(r["geonames"])), [])
                if r["admin1"] in ("", c["admin1"])
            ]
            if len(found) != 1:
                sys.exit(f"backdrop: {r['name']}: {len(found)} towns called {r['geonames']}: {found}")
            items.append(
                {
                    "n": r["name"],
                    **{k: r[k] for k in ("ur", "ps", "fa") if r[k]},
                    "lat": round(float(found[0]["lat"]), 4),
                    "lon": round(float(found[0]["lng"]), 4),
                    "rank": int(r["rank"]),
                }
            )
    items.sort(key=lambda t: (-t["rank"], t["n"]))
    dump(out, "[", items, "]")
    print(f"backdrop: {len(items)} towns")


if __name__ == "__main__":
    {"land": land, "towns": towns}[sys.argv[1]](*sys.argv[2:])
