#!/usr/bin/env bash
# Fetch the vendored front-end files again and record their checksums. Needs npm; nobody else does.
#   static/vendor/update.sh           fetch, copy, write SHA256SUMS
#   static/vendor/update.sh --check   compare what is here with SHA256SUMS
set -euo pipefail
cd "$(dirname "$0")"

if [[ "${1:-}" == "--check" ]]; then
    exec sha256sum --check --quiet SHA256SUMS
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# take PACKAGE@VERSION FOLDER FILE...: unpack a package and copy files of it, flat, into a folder here.
take() {
    local package=$1 folder=$2 archive file
    shift 2
    archive=$(npm pack --silent --pack-destination "$scratch" "$package" 2>/dev/null)
    rm -rf "$scratch/package"
    tar -xzf "$scratch/$archive" -C "$scratch"
    mkdir -p "$folder"
    for file in "$@"; do
        cp "$scratch/package/$file" "$folder/"
    done
}

take @fkui/design@6.44.0 fkui-design lib/fkui.min.css LICENSE.md
take @fkui/theme-default@6.44.0 fkui-theme dist/theme-light.css LICENSE.md
take @fkui/font-default@6.24.1 fkui-font LICENSE.md \
    fonts/Inter-Regular.woff2 fonts/Inter-SemiBold.woff2 fonts/Inter-Bold.woff2
take @fontsource/inter@5.3.0 fkui-font/inter LICENSE
take htmx.org@4.0.1 htmx dist/htmx.min.js LICENSE

find . -type f ! -name SHA256SUMS ! -name README.md ! -name update.sh -print | LC_ALL=C sort \
    | xargs sha256sum > SHA256SUMS
cat SHA256SUMS
