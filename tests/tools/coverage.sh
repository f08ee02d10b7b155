#!/bin/sh
# What the tests run of the library and of the binding: build-coverage/coverage.txt and .html
# Lines that no test reaches are listed file by file; branches that only a failure of
# OpenSSL's or of an allocation takes are reached by `./dev check oom`, which is not counted here.
set -eu

folder=build-coverage
[ -f $folder/build.ninja ] || meson setup $folder -Db_coverage=true -Doptimization=0 >/dev/null
meson compile -C $folder >/dev/null
find $folder -name '*.gcda' -delete
meson test -C $folder --print-errorlogs --timeout-multiplier=4 --suite unit --suite integration \
    --suite faults --suite py || echo 'some tests failed: what they ran is counted all the same'
for part in libpyossl bindings/python/src; do
    echo "==> $part"
    gcovr --root . --object-directory $folder --filter "$part/" --exclude-throw-branches \
        --gcov-ignore-parse-errors --print-summary --txt "$folder/$(basename $part).txt" |
        grep -E '^(lines|branches)'
done
