#!/bin/sh
# Run the fuzz targets with libFuzzer: fuzz.sh [SECONDS [TARGET]]
# What is new is collected in build-fuzz/corpus; what crashes is left in build-fuzz/ and told.
set -eu

seconds=${1:-60}
only=${2:-}
folder=build-fuzz

[ -f $folder/build.ninja ] ||
    CC=clang meson setup $folder -Dfuzzing=enabled -Dpython=disabled -Dexamples=disabled \
        -Db_lundef=false -Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link
meson compile -C $folder

status=0
found=0
for program in $folder/tests/c/fuzz/fuzz-*; do
    name=${program##*/fuzz-}
    [ -f "$program" ] && [ -x "$program" ] || continue
    [ -z "$only" ] || [ "$name" = "$only" ] || continue
    found=$((found + 1))
    printf '==> %s, %s seconds\n' "$name" "$seconds"
    mkdir -p "$folder/corpus/$name"
    # libFuzzer adds to the first folder, and only reads the second.
    "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$folder/$name-" "$folder/corpus/$name" "tests/c/fuzz/corpus/$name" ||
        status=1
done
[ $found -gt 0 ] || {
    echo "fuzz: no target${only:+ $only}" >&2
    exit 2
}
exit $status
