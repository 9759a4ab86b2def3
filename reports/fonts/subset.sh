#!/bin/sh
# Rebuilds the two fonts of this folder from Debian's package fonts-noto-core; needs fonttools.
# Noto Sans has no arrows and no comparison signs; they are merged in from Noto Sans Math.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=${1:-/usr/share/fonts/truetype/noto}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
export SOURCE_DATE_EPOCH=0
cut="--no-hinting --layout-features= --name-IDs=0,1,2,3,4,5,6,7,13,14 --notdef-outline --no-recalc-timestamp"

pyftsubset "$source/NotoSansMath-Regular.ttf" $cut --output-file="$work/math.ttf" \
    --unicodes=U+2190-2194,U+21C4,U+2212,U+221E,U+2248,U+2260,U+2264,U+2265
for weight in Regular Bold; do
    pyftsubset "$source/NotoSans-$weight.ttf" $cut --output-file="$work/text.ttf" \
        --unicodes=U+0020-007E,U+00A0-00FF,U+0394,U+03A3,U+03BC,U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032-2033,U+2039-203A
    pyftmerge --output-file="$here/NotoSans-$weight.subset.ttf" "$work/text.ttf" "$work/math.ttf"
done
