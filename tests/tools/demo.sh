#!/bin/sh
# The main job, seen at work: a small authority, a server in C, clients in Python and in C.
# Fails if one of them does other than it should. By address: a bare system knows no localhost.
set -eu

build=$1
folder=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || :
    rm -rf "$folder"
}
trap finish EXIT INT TERM

# show TEXT COMMAND ...: run, and print under TEXT what it says; its exit status
show() {
    printf '\n$ %s\n' "$1"
    shift
    said=0
    "$@" >"$folder/said" 2>&1 || said=$?
    sed "s|$folder/||g; s|^|    |" "$folder/said"
    return $said
}

mkdir "$folder/other"
show 'make_ca .' "$build/doc/examples/example_make_ca" "$folder"
"$build/doc/examples/example_make_ca" "$folder/other" >/dev/null

"$build/doc/examples/example_echo_server" "$folder/chain.pem" "$folder/server.key" >"$folder/port" 2>/dev/null &
server=$!
while ! grep -q : "$folder/port"; do
    kill -0 "$server"
    sleep 0.1
done
port=$(sed 's/.*://' "$folder/port")
show 'echo_server chain.pem server.key' cat "$folder/port"

show "python3 client.py root.pem 127.0.0.1 $port" \
    env PYTHONPATH="$build/bindings/python" python3 doc/examples/client.py "$folder/root.pem" 127.0.0.1 "$port"

show "client root.pem 127.0.0.1 $port 'and from C'" \
    "$build/doc/examples/example_client" "$folder/root.pem" 127.0.0.1 "$port" 'and from C'

if show "client other/root.pem 127.0.0.1 $port" \
    "$build/doc/examples/example_client" "$folder/other/root.pem" 127.0.0.1 "$port"; then
    echo 'demo: a server of another authority was trusted' >&2
    exit 1
fi
