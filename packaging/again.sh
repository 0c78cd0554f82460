#!/usr/bin/env bash
# Makes the release of this commit once more, in another folder with an empty build cache, another clock zone, language
# and file mode, and compares it with release/. Needs what release.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f release/SHA256SUMS ] || { echo "First: make release" >&2; exit 1; }
elsewhere=$(mktemp -d)/quite/another/place
trap 'chmod -R u+w "${elsewhere%/quite/*}" && rm -rf "${elsewhere%/quite/*}"' EXIT
git clone -q . "$elsewhere"
(
  cd "$elsewhere"
  umask 077
  export TZ=Asia/Karachi LANG=C.UTF-8 LC_ALL=C.UTF-8 GOCACHE="${elsewhere%/quite/*}/cache" GOFLAGS=-v CGO_CFLAGS=-O0
  packaging/release.sh
) >/dev/null
if ! diff release/SHA256SUMS "$elsewhere/release/SHA256SUMS"; then
  echo "The second build is another one." >&2
  exit 1
fi
echo "The same bytes again: $(wc -l <release/SHA256SUMS) files."
