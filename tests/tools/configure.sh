#!/bin/sh
# Configure a build folder, or change its options: configure.sh FOLDER [OPTION ...]
# One that is older than what is installed is configured anew: it would not see what has been added.
set -eu

folder=$1
shift
if [ ! -f "$folder/build.ninja" ]; then
    meson setup "$folder" "$@"
elif [ -n "$(find /var/lib/dpkg/status -newer "$folder/build.ninja" 2>/dev/null)" ]; then
    meson setup --reconfigure "$folder" "$@"
elif [ $# -gt 0 ]; then
    meson configure "$folder" "$@"
fi
