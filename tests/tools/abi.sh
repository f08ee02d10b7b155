#!/bin/sh
# The binary interface: abi.sh check FOLDER, or abi.sh write FOLDER
#
# tests/c/abi/ holds a dump of the last release. `check` compares what FOLDER
# built with it: additions pass, what a program could notice does not. `write`
# replaces the dump, which is what a release does.
set -eu

verb=$1
library=$(ls "$2"/libpyossl/libpyossl.so.*.*.* | head -n 1)
dump=tests/c/abi/libpyossl.abi

case $verb in
write)
    mkdir -p tests/c/abi
    abidw --exported-interfaces-only --headers-dir include --drop-private-types --no-corpus-path \
        --no-comp-dir-path --no-show-locs --no-parameter-names --no-write-default-sizes \
        "$library" >"$dump"
    ;;
check)
    # What is merely added, symbols and enumerators at the end, does not count as a change.
    abidiff --exported-interfaces-only --headers-dir2 include --drop-private-types --no-added-syms \
        "$dump" "$library" && exit 0
    echo 'The binary interface is not that of the last release: see doc/stability.rst' >&2
    exit 1
    ;;
esac
