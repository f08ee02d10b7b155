#!/bin/sh
# Build the fuzz targets as OSS-Fuzz asks for: with its compiler and flags, into $OUT, the kept
# inputs beside them. Without its variables they go to build-oss-fuzz/out, with clang.
set -eu

cd "$(git -C "$(dirname "$0")" rev-parse --show-toplevel 2>/dev/null || echo "$SRC/pyossl")"

CC=${CC:-clang}
CFLAGS=${CFLAGS:--fsanitize=address,undefined,fuzzer-no-link}
LDFLAGS=${LDFLAGS:-$CFLAGS}
WORK=${WORK:-$PWD/build-oss-fuzz/work}
OUT=${OUT:-$PWD/build-oss-fuzz/out}
ENGINE=${LIB_FUZZING_ENGINE:--fsanitize=fuzzer}
export CC CFLAGS LDFLAGS
mkdir -p "$WORK" "$OUT"

here=tests/c/fuzz
# A static library, so that a target needs nothing of where it was built but OpenSSL.
[ -f "$WORK/build/build.ninja" ] || meson setup "$WORK/build" \
    -Dpython=disabled -Dtests=disabled -Dexamples=disabled -Db_lundef=false --default-library=static
ninja -C "$WORK/build" libpyossl/libpyossl.a

for file in "$here"/corpus/*/; do
    name=$(basename "$file")
    more=
    ! grep -q '"peers.h"' "$here/$name.c" || more=$here/peers.c
    # shellcheck disable=SC2086 # words
    $CC $CFLAGS -std=gnu11 -D_GNU_SOURCE -Iinclude -I"$WORK/build/include" "$here/$name.c" $more \
        -o "$OUT/$name" $LDFLAGS $ENGINE "$WORK/build"/libpyossl/libpyossl*.a -lssl -lcrypto -lpthread
    (cd "$file" && zip -q -r "$OUT/${name}_seed_corpus.zip" .) 2>/dev/null || echo "$name: no zip, no inputs beside it"
    [ ! -f "$here/dictionaries/$name" ] || cp "$here/dictionaries/$name" "$OUT/$name.dict"
done
ls "$OUT"
