#!/bin/sh
# Install the Debian packages of the groups named: build test conformance check debian bench docs.
# Without the right to install it says what is missing, and fails if one is needed.
set -eu

# A bare system has no /etc/hosts, and the tests' servers no name then.
localhost() {
    getent hosts localhost >/dev/null || echo libnss-myhostname
}

packages() {
    case $1 in
    build) echo gcc libc6-dev make pkg-config meson ninja-build libssl-dev openssl python3 python3-dev ;;
    test) echo libcmocka-dev python3-pytest python3-hypothesis python3-cryptography binutils g++ gnutls-bin curl mypy "$(localhost)" ;;
    conformance) echo python3-pip python3-venv python3-setuptools python3-pretend python3-flaky python3-pytest-rerunfailures python3-six ;;
    check) echo cmake clang libclang-rt-dev clang-format clang-tidy cppcheck valgrind abigail-tools codespell python3-dbg ;;
    debian) echo debootstrap ;;
    bench) echo python3-pip python3-cryptography ;;
    docs) echo doxygen python3-sphinx python3-breathe python3-docutils ;;
    *) echo "packages.sh: no group $1" >&2 && exit 2 ;;
    esac
}

command -v dpkg-query >/dev/null 2>&1 || {
    echo "Not a Debian system: $* need $(for group; do packages "$group"; done | tr '\n' ' ')"
    exit 0
}

missing=
for group; do
    for package in $(packages "$group"); do
        state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
        [ "$state" = 'install ok installed' ] || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "Please install:$missing" >&2
    exit 1
fi
echo "==> install$missing"
$as_root apt-get -o Acquire::Retries=3 update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y -qq --no-install-recommends $missing
