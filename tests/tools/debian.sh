#!/bin/sh
# Build and test this tree on another Debian release, in a chroot: debian.sh [RELEASE [SUITE ...]]
# or do something else there: debian.sh RELEASE -- VERB ..., as in `./dev VERB ...`.
#
# RELEASE is bookworm or trixie, the one that this is not, unless told; the suites are those that a change
# must pass there. The chroot is made once and kept in ${XDG_CACHE_HOME:-~/.cache}/pyossl/RELEASE; remove
# it to have it made anew. The tree is copied into it, without what git ignores, and built from nothing.
# DEBIAN_MIRROR names a mirror other than debootstrap's. The log of the tests comes into build-RELEASE/.
# Exit status 77: it cannot be done here, and the last line says why.
set -eu

SKIP=77
MAKE_LIMIT=900 # seconds
TEST_LIMIT=1800
VERB_LIMIT=10800

here=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
[ $# -gt 0 ] || case $here in
trixie) set -- bookworm ;;
*) set -- trixie ;;
esac

skip() {
    echo "skipped: Debian $release: $*"
    [ -z "${SKIPS:-}" ] || echo "Debian $release: $*" >>"$SKIPS"
    exit $SKIP
}

# What is mounted and started is gone when the name spaces are, whatever happens.
if [ "${DEBIAN_INSIDE:-}" != yes ]; then
    release=$1
    [ "$(id -u)" -eq 0 ] || skip 'a chroot needs root'
    command -v debootstrap >/dev/null || skip 'debootstrap is not installed'
    unshare --mount --pid --fork --kill-child true 2>/dev/null || skip 'no name spaces for mounts and processes'
    DEBIAN_INSIDE=yes exec unshare --mount --pid --fork --kill-child sh "$0" "$@"
fi

cd "$(dirname "$0")/../.."
release=$1
shift
[ $# -gt 0 ] || set -- unit integration py stubs
work=$TEST_LIMIT
# shellcheck disable=SC2046 # words
case $1 in
--) shift && work=$VERB_LIMIT ;;
*) set -- test $(printf -- '--suite %s ' "$@") ;;
esac
root=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pyossl/$release
place=/srv/pyossl.$(basename "$(mktemp -u)") # several may be at work
log=build-$release/meson-logs/testlog.json

# limited SECONDS COMMAND ...: inside, with nothing of this environment but the way to a mirror
limited() {
    limit=$1
    shift
    timeout -k 30 "$limit" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        OOM_STRIDE="${OOM_STRIDE:-61}" ${http_proxy:+http_proxy="$http_proxy"} \
        ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} ${PIP_CERT:+PIP_CERT=/etc/pip-authorities.pem} \
        chroot "$root" "$@"
}

make() {
    echo "==> make $root, once"
    rm -rf --one-file-system "$root.new"
    timeout -k 30 $MAKE_LIMIT debootstrap --variant=minbase "$release" "$root.new" \
        ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$root.log" 2>&1 ||
        skip "debootstrap: $(tail -n 1 "$root.log")"
    rm -rf --one-file-system "$root" && mv "$root.new" "$root"
}

mkdir -p "${root%/*}" "${log%/*}"
rm -f "$log"
exec 9>"$root.lock"
flock -w $MAKE_LIMIT 9 || skip "another run keeps $root"
# Where an installation was cut off nothing can be installed any more: then it is made anew.
[ -f "$root.complete" ] || make
rm -f "$root.complete"
mount -t proc proc "$root/proc" 2>/dev/null || skip '/proc cannot be mounted'
mount --rbind /dev "$root/dev" 2>/dev/null || echo 'without devices of this system'
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || :
[ -z "${PIP_CERT:-}" ] || cp -L "$PIP_CERT" "$root/etc/pip-authorities.pem"

trap 'rm -rf --one-file-system "$root$place"' EXIT
mkdir -p "$root$place"
git ls-files -z --cached --others --exclude-standard |
    tar --null --files-from=- --ignore-failed-read -cf - | tar -xf - -C "$root$place" --no-same-owner
echo "==> Debian $release: packages"
limited $MAKE_LIMIT sh "$place/tests/tools/packages.sh" build test || {
    # What is not to be had is told apart from what has another name there.
    limited 60 apt-get -qq -o APT::Update::Error-Mode=any update || skip 'no mirror answers'
    exit 1
}
touch "$root.complete"
flock -u 9

echo "==> Debian $release: ./dev $*"
status=0
limited $work sh "$place/dev" "$@" || status=$?
[ "$1" != test ] || cp "$root$place/build/meson-logs/testlog.json" "$log" || :
exit $status
