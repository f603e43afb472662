#!/usr/bin/env bash
# Make the typeface of the pages out of the vendored one: the letters of Europe's Latin alphabets, and the signs of our
# own texts, in a seventh of the size. Other letters are shown in a typeface of the reader's own.
set -euo pipefail
cd "$(dirname "$0")"

SIGNS=U+2010-2015,U+2018-201A,U+201C-201E,U+2020-2022,U+2026,U+2030,U+2032-2033,U+2039-203A,U+2044,U+20AC,U+2122
SIGNS=$SIGNS,U+2190-2193,U+21B5,U+2212,U+2248,U+2260,U+2264-2265,U+25CF,U+2713

for weight in Regular SemiBold Bold; do
    "${PYTHON:-python3}" -m fontTools.subset "../vendor/fkui-font/Inter-$weight.woff2" \
        --unicodes="U+0020-007E,U+00A0-017F,U+0218-021B,$SIGNS" \
        --layout-features=kern,mark,mkmk,ccmp,locl,calt,tnum \
        --flavor=woff2 --output-file="Inter-$weight.woff2"
done
