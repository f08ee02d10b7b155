#!/bin/sh
# The main job, seen at work: a small authority, a server in C, clients in Python and in C.
set -eu

build=$1
folder=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || :
    rm -rf "$folder"
}
trap finish EXIT INT TERM

show() {
    printf '\n$ %s\n' "$*"
}

show make_ca .
"$build/doc/examples/example_make_ca" "$folder" | sed "s|^$folder/|    |"

show echo_server chain.pem server.key
"$build/doc/examples/example_echo_server" "$folder/chain.pem" "$folder/server.key" >"$folder/port" 2>/dev/null &
server=$!
while ! grep -q : "$folder/port"; do
    kill -0 "$server"
    sleep 0.1
done
port=$(sed 's/.*://' "$folder/port")
sed 's/^/    /' "$folder/port"

show "python3 client.py root.pem localhost $port"
PYTHONPATH=$build/bindings/python python3 doc/examples/client.py "$folder/root.pem" localhost "$port" |
    sed 's/^/    /'

show "client root.pem localhost $port 'and from C'"
"$build/doc/examples/example_client" "$folder/root.pem" localhost "$port" 'and from C' |
    sed 's/^/    /'

show 'client another-root.pem localhost' "$port"
mkdir "$folder/other"
"$build/doc/examples/example_make_ca" "$folder/other" >/dev/null
"$build/doc/examples/example_client" "$folder/other/root.pem" localhost "$port" 2>&1 |
    sed 's/^/    /' || :
