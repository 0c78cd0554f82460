"""Write places.csv: the settlements of Pakistan and Afghanistan from GeoNames.

usage: places.py CITIES500.TXT UNITS.geojson SUBUNITS.geojson OUT.csv

CITIES500.TXT is a GeoNames dump: tab-separated, its alternate names in one
column, with no word of their language. They are taken by script: Latin as
English, Arabic as Urdu or Pashto where a letter of only that language occurs.
"""
import csv
import json
import re
import sys
import unicodedata

import shapely
from shapely.geometry import shape

COUNTRIES = {"AF", "PK"}
# GeoNames gives most of these to the minute of arc or to the middle of the town.
ACCURACY_KM = 2
# About 2 km: how far outside every polygon a place may lie and still be given to
# one (a harbour beyond a coast that is drawn coarsely).
REACH = 0.02
# What GeoNames calls in a way that misleads: an English month, a district.
NAMES = {"1467433": "Murch", "1179757": "Dir", "1168288": "Pattan"}
# Where the polygons are drawn too poorly to say: Pattan is the seat of Lower Kohistan.
WITHIN = {"1168288": ("pk-kp-lower-kohistan", "pk-kp-lower-kohistan-pattan")}
# Exonyms and slips that mean another place to a reader of English.
DROPPED = {"ibis", "sibis", "kotah", "marc", "march", "shal", "tal", "ushda", "waha", "upperdir"}
# A quarter is no settlement of its own.
KINDS = {"PPLX": "locality"}

ARABIC = re.compile(r"[\u0600-\u06FF\u200c\u200d \-]+\Z")
PASHTO, URDU = set("ټډړښږڼېځڅۍګ"), set("ٹڈڑےںہھۂ")
# Letters of Uyghur, Kurdish and their neighbours, which no name of the region has.
FOREIGN = set("ۋۇۆۈەڭڵڕۊ")
SAME = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ۀ": "ه", "ة": "ه", "أ": "ا", "إ": "ا", "ٱ": "ا", "ئ": "ی", "ؤ": "و"})


def latin(name):
    """A name in Latin letters, not a code (KBL) nor a machine's transcript of another script, which has no capitals."""
    letters = [c for c in name if c.isalpha()]
    return (
        len(letters) > 1
        and all("a" <= unicodedata.normalize("NFKD", c)[0].lower() <= "z" for c in letters)
        and name[0].isupper()
        and not re.fullmatch(r"[A-Z]{3}", name)
        and re.search(r"[aeiouy]", bare(name)) is not None
        and not re.search(r"[\d,;:|/()\[\]]", name)
    )


def bare(name):
    """What makes two spellings one: letters without marks, signs and spaces."""
    name = unicodedata.normalize("NFKD", name.translate(SAME))
    return "".join(c for c in name if c.isalnum()).lower()


def language(name):
    has_ps, has_ur = bool(PASHTO & set(name)), bool(URDU & set(name))
    return "ps" if has_ps and not has_ur else "ur" if has_ur and not has_ps else ""


def names(first, others):
    """The other names as lang:text, sorted, each once."""
    seen, out = {bare(first)}, []
    # A spelling in the letters of the region before the same one in those of Arabic.
    for name in sorted(others, key=lambda n: bool(set(n) & set("يىك"))):
        name = unicodedata.normalize("NFC", " ".join(name.replace("`", "'").split()))
        if latin(name):
            lang = "en"
        elif ARABIC.match(name) and not FOREIGN & set(name) and len(bare(name)) > 1:
            lang = language(name)
        else:
            continue
        if bare(name) not in seen:
            seen.add(bare(name))
            out.append(f"{lang}:{name}")
    return "|".join(sorted(out))


class Polygons:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            features = json.load(f)["features"]
        self.properties = [ft["properties"] for ft in features]
        self.geoms = [shape(ft["geometry"]) for ft in features]
        self.tree = shapely.STRtree(self.geoms)

    def holds(self, point, wanted=lambda p: True):
        """The properties of the wanted polygon that holds the point, else of the nearest within REACH, else None."""
        near = sorted(i for i in self.tree.query(point.buffer(REACH)) if wanted(self.properties[i]))
        best = min(near, key=lambda i: self.geoms[i].distance(point), default=None)
        if best is None or self.geoms[best].distance(point) > REACH:
            return None
        return self.properties[best]


# Words for the seat of a district, which nobody says with its name.
OFFICE = r"(?:Hukumat(?:-e|i)|W[uo]luswali(?:-ye)?|'?Alaqahdari(?:-ye)?)"
SEAT = re.compile(rf"^(?:Markaz-e )?(?:{OFFICE} )?(.+?)(?: {OFFICE})?$")


def plain(name):
    """The ASCII name with one kind of apostrophe, none before its first letter, and no word for an office."""
    return SEAT.match(name.replace("`", "'"))[1].lstrip("' ")


def main(cities_path, units_path, subunits_path, out_path):
    units, subunits = Polygons(units_path), Polygons(subunits_path)
    rows, outside, across = [], 0, []
    with open(cities_path, encoding="utf-8") as f:
        for line in f:
            c = line.rstrip("\n").split("\t")
            if c[8] not in COUNTRIES:
                continue
            point = shapely.Point(float(c[5]), float(c[4]))
            unit = units.holds(point)
            unit = unit["id"] if unit else ""
            outside += not unit
            if unit and unit[:2].upper() != c[8]:
                across.append((c[2], c[8], unit))
            name = NAMES.get(c[0], plain(c[2]))
            # The town that a tehsil is named after lies in it, even if one of the two is drawn a little off.
            subunit = subunits.holds(point, lambda p: p["unit"] == unit and bare(p["name"]) == bare(name))
            subunit = subunit or subunits.holds(point, lambda p: p["unit"] == unit)
            unit, below = WITHIN.get(c[0], (unit, subunit["id"] if subunit else ""))
            rows.append(
                {
                    "id": "gn-" + c[0],
                    "name": name,
                    "kind": KINDS.get(c[7], "settlement"),
                    "unit": unit,
                    "subunit": below,
                    "lon": c[5],
                    "lat": c[4],
                    "accuracy_km": ACCURACY_KM,
                    "population": "" if c[14] == "0" else c[14],
                    "names": names(name, [n for n in [c[1], c[2], *c[3].split(",")] if n and bare(n) not in DROPPED]),
                }
            )
    rows.sort(key=lambda r: (r["unit"], int(r["id"][3:])))
    with open(out_path, "w", encoding="utf-8", newline="") as f:
        w = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        w.writeheader()
        w.writerows(rows)
    print(f"places: {len(rows)} settlements, {outside} in no unit, in a unit of the other country: {across}")


if __name__ == "__main__":
    main(*sys.argv[1:])
