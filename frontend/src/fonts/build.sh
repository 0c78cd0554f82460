#!/bin/sh
# Makes noto-sans-arabic.woff2: the letters, digits and signs of Urdu, Pashto and Dari from Noto Sans Arabic (variable
# weight, cut to 400–600), with all that joins and places them. Needs npm, and Python with fonttools and brotli.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
npm pack --silent @fontsource-variable/noto-sans-arabic@5.3.0 >/dev/null
tar xzf ./*.tgz
in=package/files/noto-sans-arabic-arabic-wght-normal.woff2
fonttools varLib.instancer -q --no-recalc-timestamp "$in" wght=400:600 -o cut.ttf
pyftsubset cut.ttf --no-recalc-timestamp --no-hinting --flavor=woff2 \
  --layout-features='ccmp,locl,isol,init,medi,fina,rlig,calt,liga,mark,mkmk,kern,curs' \
  --unicodes='U+0600-0604,U+060C,U+061B,U+061F,U+0621-063A,U+0640-0656,U+0660-066D,U+0670-0672,U+0679,U+067A-0681,U+0685-0689,U+0691,U+0693,U+0696,U+0698,U+069A,U+06A9,U+06AB,U+06AF,U+06BA,U+06BC,U+06BE,U+06C0-06C3,U+06CC,U+06CD,U+06D0,U+06D2-06D4,U+06F0-06F9,U+200C-200F,U+2066-2069,U+0020,U+00A0,U+00AB,U+00BB' \
  --output-file="$here/noto-sans-arabic.woff2"
cp package/LICENSE "$here/OFL.txt"
