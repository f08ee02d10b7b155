#!/bin/sh
# What a release must pass beyond `./dev test`, part by part: check.sh [PART ...]
# Says at its end which parts passed, failed or were skipped, and how long they took; fails if one did.
set -u

# What is seldom idle, and what mostly runs one process at a time: without a part named, two lanes run
# side by side.
LANE_1='clang asan asan-python debug free-threaded tsan tsan-python valgrind load plain coverage docs eras'
LANE_2='clock oom faults differential growth mutants static bench format deprecated abi spell stubs'
PARTS="$LANE_1 $LANE_2"
SKIP=77
logs=build-check
quiet='--print-errorlogs'

have() {
    command -v "$1" >/dev/null 2>&1 && return 0
    echo "$1 is not installed"
    return 1
}

# build FOLDER OPTION ...: configure and compile apart from the ordinary build
build() {
    folder=$1
    shift
    [ "$folder" != build ] || [ -z "${CHECK_BUILT:-}" ] || return 0
    sh tests/tools/configure.sh "$folder" -Dpython=enabled -Dtests=enabled "$@" >/dev/null &&
        meson compile -C "$folder"
}

# Headers hold aligned tables, which are laid out by hand.
format() {
    have clang-format || return $SKIP
    git ls-files '*.c' | xargs clang-format --dry-run --Werror
}

# Nothing of what later releases of OpenSSL remove is needed.
deprecated() {
    for file in libpyossl/*.c libpyossl/*/*.c; do
        "${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -DOPENSSL_API_COMPAT=30000 -DOPENSSL_NO_DEPRECATED \
            -Werror -Iinclude -fsyntax-only "$file" || return 1
    done
}

clang() {
    have clang || return $SKIP
    CC=clang build build-clang -Dwerror=true &&
        OOM_STRIDE=${OOM_STRIDE:-61} meson test -C build-clang $quiet
}

# Both libraries and the C tests with the address and undefined behaviour sanitizers.
asan() {
    build build-asan -Db_sanitize=address,undefined -Db_lundef=false -Dpython=disabled &&
        OOM_STRIDE=${OOM_STRIDE:-61} meson test -C build-asan $quiet --timeout-multiplier=4 --no-suite lint --no-suite headers
}

# The Python suite over the same: the interpreter must load the sanitizer first.
asan_python() {
    runtime=$(gcc -print-file-name=libasan.so) &&
        build build-asan-python -Db_sanitize=address,undefined -Db_lundef=false &&
        ASAN_OPTIONS=detect_leaks=0 meson test -C build-asan-python $quiet --suite py \
            --timeout-multiplier=4 --wrapper "env LD_PRELOAD=$runtime PYTHONMALLOC=malloc"
}

# An interpreter that asserts what its C interface asks for.
debug() {
    program=$(command -v python3-dbg) || {
        echo 'no Python with debug assertions is installed (python3-dbg)'
        return $SKIP
    }
    build build-debug -Dpython_program="$program" -Dexamples=disabled &&
        meson test -C build-debug $quiet --suite py --timeout-multiplier=4
}

# An interpreter without a lock of its own: PYTHON_FT, or one of those names. pytest must be there for it.
free_threaded() {
    program=${PYTHON_FT:-$(command -v python3.14t || command -v python3.13t)} || {
        echo 'no free-threaded Python is installed (python3.14t, python3.13t; PYTHON_FT names another)'
        return $SKIP
    }
    "$program" -c 'import sysconfig; raise SystemExit(not sysconfig.get_config_var("Py_GIL_DISABLED"))' || {
        echo "$program is not free-threaded"
        return 1
    }
    "$program" -c 'import pytest' 2>/dev/null || {
        echo "$program has no pytest"
        return $SKIP
    }
    build build-free-threaded -Dpython_program="$program" -Dexamples=disabled &&
        PYTHON_GIL=0 meson test -C build-free-threaded $quiet --suite py --timeout-multiplier=4
}

tsan() {
    build build-tsan -Db_sanitize=thread -Db_lundef=false -Dpython=disabled &&
        TSAN_OPTIONS="halt_on_error=1:suppressions=$PWD/tests/tools/tsan.supp" \
            meson test -C build-tsan $quiet --timeout-multiplier=4 --suite threads
}

# Threads, children, growth, very many connections, a long time: minutes of each.
load() {
    build build || return 1
    for name in threads fork many growth soak; do
        LOAD=full "build/tests/c/test_load_$name" || return 1
    done
    LOAD=full PYTHONPATH=build/bindings/python PYOSSL_PACKAGE=build/bindings/python \
        python3 -m pytest -q -s -p no:cacheprovider -c tests/py/pytest.ini tests/py/test_load.py
}

# The Python package with threads; of a process that forks ThreadSanitizer follows no child.
tsan_python() {
    runtime=$(gcc -print-file-name=libtsan.so) &&
        build build-tsan-python -Db_sanitize=thread -Db_lundef=false || return 1
    cat tests/tools/tsan.supp tests/tools/tsan-python.supp >build-tsan-python/tsan.supp
    LD_PRELOAD=$runtime PYTHONMALLOC=malloc TSAN_OPTIONS="suppressions=$PWD/build-tsan-python/tsan.supp" \
        PYTHONPATH=build-tsan-python/bindings/python PYOSSL_PACKAGE=build-tsan-python/bindings/python \
        python3 -m pytest -q -p no:cacheprovider -c tests/py/pytest.ini -k 'not process' \
        tests/py/test_ssl_threads.py tests/py/test_crypto_threads.py tests/py/test_load.py
}

# What is never initialised, and what leaks. Threads take turns there, so where they meet is not its part.
valgrind_() {
    have valgrind || return $SKIP
    build build &&
        OOM_STRIDE=997 meson test -C build --no-rebuild --logbase valgrind $quiet --timeout-multiplier=20 --suite unit --no-suite threads \
            --wrapper "valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite \
                --errors-for-leak-kinds=definite --suppressions=$PWD/tests/tools/valgrind.supp"
}

# The tests count the points at which an allocation failed; awk adds them up.
oom() {
    build build &&
        OOM_STRIDE=1 meson test -C build --no-rebuild --logbase oom $quiet --timeout-multiplier=4 --suite oom || return 1
    awk '/# allocation failures:/ { sub(/.*failures:/, ""); points += $1; scenarios += $4; wrong += $6 }
         END { print "allocation failures: " points " points of " scenarios " scenarios, " wrong " wrong"
               exit !(points > 0 && wrong == 0) }' build/meson-logs/oom.txt
}

# One fault at every byte of an exchange, and every bit of it changed; the tests count what they did.
faults() {
    build build || return 1
    for name in transport_faults bit_flips; do
        echo "$name:"
        FAULT_STRIDE=1 "build/tests/c/test_$name" || return 1
    done
}

# The library and OpenSSL's own functions on the same inputs: all files, and 140,000 mutations.
differential() {
    build build || return 1
    for name in bundles certificates keys trust; do
        DIFFER=all "build/tests/c/test_same_$name" || return 1
    done
}

# What peers send and files hold, twice as long: counted, not timed.
growth() {
    have valgrind || return $SKIP
    build build && python3 tests/tools/growth.py build/tests/c/cost
}

# Without decoders of our own, as with OpenSSL 3.2 and later.
plain() {
    build build-plain -Dc_args=-DOSL_PLAIN_DECODERS -Dexamples=disabled &&
        OOM_STRIDE=${OOM_STRIDE:-61} meson test -C build-plain $quiet --timeout-multiplier=4 \
            --no-suite lint --no-suite headers
}

# Nothing depends on two things being done in one second. Each process has a clock of its own, and
# certificates that one of them makes are not valid yet in another: no interop.
clock() {
    build build && gcc -shared -fPIC -O1 -o "$logs/clock.so" tests/tools/clock.c &&
        meson test -C build --no-rebuild --logbase clock $quiet --wrapper "env LD_PRELOAD=$PWD/$logs/clock.so" \
            --suite unit --suite integration --suite py --no-suite seconds
}

# Faults put in on purpose, each of which a quick test must find.
mutants() {
    python3 tests/tools/mutants.py
}

# Lines and branches that the C tests and the Python tests run.
coverage() {
    have gcovr || return $SKIP
    sh tests/tools/coverage.sh
}

abi() {
    have abidw && have abidiff || return $SKIP
    build build && sh tests/tools/abi.sh check build
}

# Instructions, not times: see tests/bench/instructions.py.
bench() {
    have valgrind || return $SKIP
    build build-bench --buildtype=release &&
        python3 tests/bench/instructions.py build-bench
}

# Analyzers see one file at a time; with OSL_ANALYZER they are told what those do not say.
static() {
    have cppcheck && have clang-tidy || return $SKIP
    build build &&
        git ls-files 'libpyossl/*.c' 'bindings/python/src/*.c' |
        xargs -n 8 -P 2 clang-tidy --quiet -p build --extra-arg=-DOSL_ANALYZER --warnings-as-errors='*' \
            --checks="$(tr -d ' \n' <tests/tools/clang-tidy.txt)" 2>/dev/null &&
        cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
            --enable=warning,portability,performance --suppressions-list=tests/tools/cppcheck.txt \
            -Iinclude -Ilibpyossl -Ibindings/python/src libpyossl bindings/python/src || return 1
    for file in libpyossl/*.c libpyossl/*/*.c bindings/python/src/*.c; do
        # shellcheck disable=SC2046 # the headers of Python may be in several folders
        gcc -std=gnu11 -D_GNU_SOURCE -DOSL_ANALYZER -O1 -fanalyzer -Werror -Iinclude -Ilibpyossl \
            -Ibuild/bindings/python $(python3-config --includes) -c "$file" -o /dev/null || return 1
    done
}

spell() {
    have codespell || return $SKIP
    git ls-files | grep -vE '^(tests/data/|tests/c/abi/|tests/c/fuzz/corpus|LICENSE)' |
        xargs codespell --ignore-words=tests/tools/codespell.txt
}

docs() {
    have doxygen && have sphinx-build || return $SKIP
    build build-docs -Ddocs=enabled -Dtests=disabled
}

# The stubs say what the module has.
stubs() {
    build build && meson test -C build --no-rebuild --logbase stubs $quiet --suite stubs
}

# Programs of every era, beside the pyOpenSSL of their time.
eras() {
    ./dev programs eras
}

# run PART: its output as it comes
run() {
    case $1 in
    asan-python) asan_python ;;
    free-threaded) free_threaded ;;
    tsan-python) tsan_python ;;
    valgrind) valgrind_ ;;
    *) "$1" ;;
    esac
}

# lane PART ...: one after the other, output into files, one line for each
lane() {
    failed=0
    for part in "$@"; do
        start=$(date +%s)
        (run "$part") >"$logs/$part.log" 2>&1 </dev/null
        result=$?
        case $result in
        0) word=passed ;;
        "$SKIP") word=skipped ;;
        *) word=FAILED && failed=1 ;;
        esac
        printf '%-12s %-8s %5d s\n' "$part" "$word" $(($(date +%s) - start)) | tee "$logs/$part.line"
        [ $word != FAILED ] || tail -n 40 "$logs/$part.log"
    done
    return $failed
}

mkdir -p "$logs"
rm -f "$logs"/*.line
for part in "$@"; do
    case " $PARTS " in
    *" $part "*) ;;
    *) echo "check: no part $part; there are: $PARTS" >&2 && exit 2 ;;
    esac
done

status=0
if [ $# -gt 0 ]; then
    for part in "$@"; do
        printf '==> %s\n' "$part"
        start=$(date +%s)
        run "$part"
        case $? in
        0) word=passed ;;
        "$SKIP") word=skipped ;;
        *) word=FAILED && status=1 ;;
        esac
        printf '%-12s %-8s %5d s\n' "$part" "$word" $(($(date +%s) - start)) >"$logs/$part.line"
    done
else
    begun=$(date +%s)
    build build >"$logs/build.log" 2>&1 || exit 1
    export CHECK_BUILT=1
    # shellcheck disable=SC2086 # words
    lane $LANE_1 &
    # shellcheck disable=SC2086
    lane $LANE_2 || status=1
    wait $! || status=1
    printf 'all of it    %14d s\n' $(($(date +%s) - begun)) >"$logs/total.line"
fi
printf '\n'
for part in $PARTS total; do
    [ ! -f "$logs/$part.line" ] || cat "$logs/$part.line"
done
exit $status
