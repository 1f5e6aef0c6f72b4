# What ./quickstart and ./runtests share: packages, the invoking user, the build.
# Sourced by bash; the caller has set -eu and stands at the top of the project.

say() { printf '== %s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

BUILD_PACKAGES="gcc libc6-dev python3 meson ninja-build pkg-config libssl-dev libuv1-dev node-llhttp libcjson-dev libinih-dev libutf8proc-dev libseccomp-dev libavahi-client-dev libsecret-1-dev libcairo2-dev libqrencode-dev"

# The packages of "$@" that are not installed.
missing_packages() {
    local p
    for p in "$@"; do
        dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$p"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Servers are wanted as programs, not as services: while packages are installed, none is started.
# (A policy that is there already is left alone.)
apt_install() {
    local policy=/usr/sbin/policy-rc.d status=0
    (
        # Whatever ends this subshell, Ctrl-C too, the policy goes with it.
        if [ ! -e "$policy" ]; then
            trap 'as_root rm -f "$policy"' EXIT
            trap 'exit 130' INT TERM
            printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
            as_root chmod 755 "$policy"
        fi
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" \
            >"$SETUP_LOG" 2>&1 </dev/null
    ) || status=$?
    return $status
}

# Installs what of "$@" is missing; the one thing that needs root.
need_packages() {
    local missing
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    SETUP_LOG=$(mktemp)
    say "installing these Debian packages (the one step that needs root):"
    printf '%s\n' $missing | fmt -w 76 | sed 's/^/   /'
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        die "sudo is not here: as root, run: apt-get install $missing"
    fi
    # shellcheck disable=SC2086
    if ! apt_install $missing; then
        say "the package lists are old or missing: apt-get update"
        as_root apt-get update -q >"$SETUP_LOG" 2>&1 || true
        # shellcheck disable=SC2086
        apt_install $missing || { tail -n 20 "$SETUP_LOG" >&2; die "the packages can't be installed: see above"; }
    fi
    rm -f "$SETUP_LOG"
}

# Under sudo: packages were root's business, the rest is the invoking user's.
drop_root() {
    if [ "$(id -u)" = 0 ] && [ -n "${SUDO_UID:-}" ] && [ "${SUDO_UID:-0}" != 0 ]; then
        say "going on as ${SUDO_USER:-uid $SUDO_UID}"
        exec setpriv --reuid "$SUDO_UID" --regid "$SUDO_GID" --init-groups env -u SUDO_UID -u SUDO_GID \
            HOME="$(getent passwd "$SUDO_UID" | cut -d: -f6)" "$@"
    fi
}

# build_in DIR [meson options]: sets up once (LOOK_AGAIN: again, for libraries that came since), then
# builds (TARGETS, else all); quiet unless it fails.
build_in() {
    local dir=$1 log
    shift
    log=$(mktemp)
    trap 'rm -f "$log"; printf "interrupted\n" >&2; exit 130' INT TERM
    if [ -f "$dir/build.ninja" ] && [ -n "${LOOK_AGAIN:-}" ]; then
        set -- --reconfigure "$@"
    fi
    if [ ! -f "$dir/build.ninja" ] || [ -n "${LOOK_AGAIN:-}" ]; then
        meson setup "$dir" "$@" >"$log" 2>&1 || { cat "$log" >&2; die "the build can't be set up: see above"; }
    fi
    # shellcheck disable=SC2086
    ninja -C "$dir" ${TARGETS:-} >"$log" 2>&1 || { tail -n 60 "$log" >&2; die "the build failed: see above"; }
    if [ -z "${QUIET_WARNINGS:-}" ] && grep -q 'warning:' "$log"; then grep -A4 'warning:' "$log" >&2; fi
    rm -f "$log"
    trap - INT TERM
}
