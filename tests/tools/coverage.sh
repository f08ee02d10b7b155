#!/bin/sh
# What the tests run of the library and of the binding: build-coverage/coverage.txt and .json
# How it is counted stands in tests/README.md; tests/coverage.txt has the lines that no test runs, and why.
set -eu

folder=build-coverage
sh tests/tools/configure.sh $folder -Dpython=enabled -Dtests=enabled -Db_coverage=true -Doptimization=0 >/dev/null
meson compile -C $folder >/dev/null
find $folder -name '*.gcda' -delete
# Of allocations and calls that are reached in the same way, one fails: the others count nothing new.
OOM_DISTINCT=${OOM_DISTINCT:-1} meson test -C $folder --print-errorlogs --timeout-multiplier=4 \
    --suite unit --suite integration --suite faults --suite oom --suite fuzz --suite py
gcovr --root . --object-directory $folder --filter 'libpyossl/|bindings/python/src/' \
    --exclude-throw-branches --exclude-unreachable-branches --gcov-ignore-parse-errors \
    --json $folder/coverage.json --txt $folder/coverage.txt >/dev/null
python3 tests/tools/coverage.py $folder/coverage.json "$@"
