# Sourced by tools/run and tools/test: installs what is missing, configures and builds.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# install_packages KIND...: the packages of tools/debian-packages of these kinds that dpkg does not know as installed.
install_packages() {
    command -v dpkg-query >/dev/null || { say "no dpkg here: the packages of tools/debian-packages are yours to provide"; return; }
    local kinds="$*" missing=() kind name
    local installed
    installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | awk '$1 == "installed" { print $2 }' | tr '\n' ' ') "
    while read -r kind name; do
        [[ $kind == \#* || -z $name || " $kinds " != *" $kind "* ]] && continue
        [[ $installed == *" $name "* ]] || missing+=("$name")
    done <"$top/tools/debian-packages"
    [[ ${#missing[@]} -eq 0 ]] && return
    local root=()
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null || die "needs root or sudo to install: ${missing[*]}"
        root=(sudo)
    fi
    say "installing ${missing[*]}"
    # The packages' own services must not start and take the ports: the policy file is only there for the installation.
    local policy=/usr/sbin/policy-rc.d made=
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
        "${root[@]}" chmod +x "$policy"
        made=1
    fi
    local ok=0
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
            >/dev/null && ok=1
    [[ -n $made ]] && "${root[@]}" rm -f "$policy"
    [[ $ok -eq 1 ]] || die "could not install: ${missing[*]}"
}

# build_in DIR MESON_OPTIONS...: configures DIR once, builds everything in it.
build_in() {
    local dir=$1
    shift
    if [[ ! -e $top/$dir/build.ninja ]]; then
        say "configuring $dir"
        meson setup "$top/$dir" "$top" "$@" >"$top/$dir.setup.log" 2>&1 ||
            { cat "$top/$dir.setup.log" >&2; rm -f "$top/$dir.setup.log"; die "meson setup failed"; }
        rm -f "$top/$dir.setup.log"
    fi
    say "building $dir"
    ninja -C "$top/$dir" >"$top/$dir/build.log" 2>&1 || { tail -n 60 "$top/$dir/build.log" >&2; die "the build failed"; }
}

build_release() {
    build_in build -Dbuildtype=release -Db_lto=true
    ln -sf src/server/tsdbd "$top/build/tsdbd"
    ln -sf src/ctl/tsdbctl "$top/build/tsdbctl"
}
