#!/bin/sh
# Run the fuzz targets with libFuzzer: fuzz.sh [SECONDS [TARGET]]
# What crashes is left in build-fuzz/, and printed.
set -eu

seconds=${1:-60}
target=${2:-}
folder=build-fuzz

if [ -f $folder/build.ninja ]; then
    meson configure $folder >/dev/null
else
    CC=clang meson setup $folder -Dfuzzing=enabled -Dpython=disabled -Db_lundef=false \
        -Db_sanitize=address,undefined
fi
meson compile -C $folder

status=0
for program in $folder/tests/c/fuzz/fuzz_*; do
    name=$(basename "$program")
    [ -x "$program" ] && [ -f "$program" ] || continue
    [ -z "$target" ] || [ "$name" = "fuzz_${target#fuzz_}" ] || continue
    printf '==> %s, %s seconds\n' "$name" "$seconds"
    found=$folder/corpus/$name
    mkdir -p "$found"
    # What was found goes to the first folder; those in the tree are only read.
    set -- "$found"
    seeds=tests/c/fuzz/corpus/${name#fuzz_}
    [ ! -d "$seeds" ] || set -- "$@" "$seeds"
    "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$folder/$name-" "$@" || status=1
done
exit $status
