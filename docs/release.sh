#!/usr/bin/env bash
# One ZIP archive for closed networks: the document in every form, its HTML reference, single-file clients, samples, and
# SHA-256 sums.
#
#   docs/release.sh kakunin-api-1.0.0.zip
#
# Needs node with npm, python3, and a built kakunin: KAKUNIN names it, target/release or target/debug is found.
set -euo pipefail
[[ $# -eq 1 ]] || { echo "usage: docs/release.sh OUT.zip" >&2; exit 2; }
out=$(realpath -m "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${KAKUNIN:-target/release/kakunin}
[[ -x $program ]] || program=target/debug/kakunin
[[ -x $program ]] || { echo "build kakunin first: cargo build --release --locked" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH="$PWD/target/tools/node_modules/.bin:$PATH" REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
redocly() {
    if command -v redocly >/dev/null; then
        command redocly "$@"
    else
        npm exec --yes --package @redocly/cli@2.77.0 -- redocly "$@"
    fi
}

version=$("$program" openapi | python3 -c 'import json, sys; print(json.load(sys.stdin)["info"]["version"])')
name=kakunin-api-$version
files=$work/$name
mkdir -p "$files/clients" "$files/samples"

"$program" openapi >"$files/openapi.json"
"$program" openapi --format yaml >"$files/openapi.yaml"
"$program" openapi --format json-3.0 >"$files/openapi-3.0.json"
cp openapi/README.md openapi/CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$files/"
cp tests/arazzo/*.yaml tests/clients/round-trip.* tests/clients/round_trip_*.py tests/clients/RoundTrip.java "$files/samples/"

# A page without any request to the outside.
redocly build-docs "$files/openapi.json" --inlineBundle -o "$files/reference.html"
# The generator names its files after the TypeScript one, whatever the language.
for language in typescript python java; do
    redocly generate-client "$files/openapi.json" --generator "$language" --output "$files/clients/kakunin.ts"
done

(cd "$files" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
# Sorted, and without times and modes: the same content makes the same archive.
python3 - "$work" "$name" "$out" <<'PYTHON'
import pathlib, sys, zipfile

work, name, out = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
    for path in sorted((work / name).rglob("*")):
        if path.is_file():
            entry = zipfile.ZipInfo(str(path.relative_to(work)), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
PYTHON
echo "$out"
