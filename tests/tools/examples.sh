#!/bin/sh
# Each example with each, in TAP: examples.sh BUILD [PYTHON]. Makes a small authority in C and one in
# Python, starts an echo server in either language, and talks to both from C and from Python.
set -eu

build=$(cd "$1" && pwd)
python=${2:-/usr/bin/python3}
here=$(cd "$(dirname "$0")/../.." && pwd)
examples=$here/doc/examples
programs=$build/doc/examples
work=$(mktemp -d)
server=
number=0
failed=0

finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

in_python() {
    script=$1
    shift
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$build/bindings/python "$python" "$examples/$script" "$@"
}

# step NAME COMMAND ...
step() {
    name=$1
    shift
    number=$((number + 1))
    if "$@" >"$work/output" 2>&1; then
        result=ok
    else
        result='not ok'
        failed=1
    fi
    sed 's/^/# /' "$work/output"
    echo "$result $number - $name"
}

# start COMMAND ...: a server; sets $server and $port
start() {
    "$@" >"$work/listening" 2>&1 &
    server=$!
    port=
    tries=0
    while [ -z "$port" ] && [ $tries -lt 100 ]; do
        sleep 0.1
        port=$(sed -n 's/.*:\([0-9][0-9]*\)$/\1/p' "$work/listening")
        tries=$((tries + 1))
    done
    [ -n "$port" ] || { cat "$work/listening" && exit 1; }
}

stop() {
    kill "$server"
    wait "$server" || true
    server=
}

have_python=false
[ ! -d "$build/bindings/python/OpenSSL" ] || have_python=true

for language in C Python; do
    $have_python || [ $language = C ] || continue
    ca=$work/$language
    mkdir "$ca"
    case $language in
    C)
        step 'C makes an authority' "$programs/example_make_ca" "$ca"
        start "$programs/example_echo_server" "$ca/chain.pem" "$ca/server.key"
        ;;
    Python)
        step 'Python makes an authority' in_python make_ca.py "$ca"
        # Not through the function: the process to stop must be Python itself.
        start env PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
            "PYTHONPATH=$build/bindings/python" "$python" "$examples/echo_server.py" \
            "$ca/chain.pem" "$ca/server.key"
        ;;
    esac
    step "C talks to $language" "$programs/example_client" "$ca/root.pem" localhost "$port" 'hello from C'
    if $have_python; then
        step "Python talks to $language" in_python client.py "$ca/root.pem" localhost "$port" \
            'hello from Python'
    fi
    step "the openssl program trusts what $language made" openssl verify -CAfile "$ca/root.pem" \
        -untrusted "$ca/intermediate.pem" "$ca/server.pem"
    stop
done
echo "1..$number"
exit $failed
