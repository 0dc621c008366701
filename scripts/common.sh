# shellcheck shell=bash
# What the commands share. Sourced by bash scripts that have set -euo pipefail.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# cores: how many jobs a build may use.
cores() { nproc 2>/dev/null || echo 2; }

# configure PRESET: runs cmake unless the build folder is newer than the presets. Ninja itself
# repeats it when a CMake file changed.
configure() {
    local preset=$1 folder=$ROOT/build/$1
    if [[ ! -f $folder/build.ninja || $ROOT/CMakePresets.json -nt $folder/build.ninja ]]; then
        (cd "$ROOT" && cmake --preset "$preset")
    fi
}

# build PRESET [TARGET...]: everything when no target is named.
build() {
    local preset=$1
    shift
    configure "$preset" && ninja -C "$ROOT/build/$preset" -j "$(cores)" "$@"
}

# python: prints the interpreter that has requests. The system's own is asked too, because the
# package python3-requests serves only that one.
python() {
    local candidate
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c 'import requests' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "no python3 with the module requests: install python3-requests"
}
