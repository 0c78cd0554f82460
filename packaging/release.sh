#!/usr/bin/env bash
# Makes a release of the commit that is checked out, in release/: for Linux a tar.gz and a Debian package, the bill of
# materials and SHA256SUMS. Needs Go, a C compiler, git and GNU tar; for arm64 also gcc-aarch64-linux-gnu. The same
# commit, Go and C compiler give the same bytes, wherever and whenever: packaging/again.sh tries it.
#   MAINTAINER='Name <address>'   goes into the Debian package
set -euo pipefail
cd "$(dirname "$0")/.."
NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0

if [ -n "$(git status --porcelain)" ]; then
  echo "There are changes that are not committed; a release is of a commit:" >&2
  git status --short | head >&2
  exit 1
fi
# Nothing of the environment gets in.
export LC_ALL=C TZ=UTC GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=1 GOOS=linux GOAMD64=v1 GOARM64=v8.0 GOEXPERIMENT=
export CGO_CFLAGS='-O2 -fstack-protector-strong' CGO_CPPFLAGS= CGO_CXXFLAGS= CGO_LDFLAGS=
umask 022
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
MAINTAINER=${MAINTAINER:-The Sarhad project}
export SOURCE_DATE_EPOCH MAINTAINER

# v1.2.3 is 1.2.3; four commits later it is 1.2.3+4.gHASH; before the first tag it is 0~TIME.HASH, which sorts before all of them.
if version=$(git describe --tags --match 'v[0-9]*' --abbrev=12 2>/dev/null); then
  version=$(sed -E 's/^v//; s/-([0-9]+)-g([0-9a-f]+)$/+\1.g\2/; s/-/~/' <<<"$version")
else
  version="0~$(git log -1 --format=%cd --date=format:%Y%m%d%H%M%S).$(git rev-parse --short=12 HEAD)"
fi

rm -rf release
mkdir release
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
go run ./cmd/sarhad-parts check

build() { # GOARCH, C compiler
  local arch=$1 name="sarhad_${version}_linux_$1" share="$stage/$1/share" program="$stage/$1/sarhad"
  GOARCH=$arch CC=$2 go build -trimpath -buildvcs=false -buildmode=pie \
    -ldflags "-s -w -linkmode external -extldflags '-Wl,-z,relro,-z,now' -X main.version=$version" -o "$program" ./cmd/sarhad
  mkdir -p "$share/data/bundle"
  cp README.md CHANGELOG.md LICENSE "$share"
  cp -r docs "$share/docs"
  cp data/bundle/SOURCES.md "$share/data/bundle"
  go run ./cmd/sarhad-parts texts >"$share/THIRD_PARTY_LICENSES"
  go run ./cmd/sarhad-parts sbom --version "$version" --epoch "$SOURCE_DATE_EPOCH" "$program" >"release/$name.cdx.json"

  # As it lies in the repository, so that links between the documents lead somewhere.
  local tree="$stage/$arch/tar/$name"
  mkdir -p "$tree"
  cp -r "$share/." "$tree"
  install -D -m 0644 packaging/sarhad.service "$tree/packaging/sarhad.service"
  install -m 0644 packaging/sarhad.default "$tree/packaging/sarhad.default"
  install -m 0755 "$program" "$tree/sarhad"
  tar --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u+w,go-w,a+rX \
    -C "$stage/$arch/tar" -cf - "$name" | gzip -9n >"release/$name.tar.gz"

  cp packaging/copyright "$share/copyright"
  find "$stage/$arch" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  # The oldest C library that has every function it calls.
  libc=$(readelf --version-info --wide "$program" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -1)
  ARCH=$arch DEB_VERSION=$version STAGE="$stage/$arch" LIBC=$libc GOOS= GOARCH= CGO_CFLAGS= \
    go run $NFPM package --config packaging/nfpm.yaml --packager deb --target "release/sarhad_${version}_$arch.deb" >/dev/null
}

build amd64 x86_64-linux-gnu-gcc
if command -v aarch64-linux-gnu-gcc >/dev/null; then
  build arm64 aarch64-linux-gnu-gcc
else
  echo "Not built: arm64, for lack of aarch64-linux-gnu-gcc (Debian: gcc-aarch64-linux-gnu)." >&2
fi
(cd release && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
