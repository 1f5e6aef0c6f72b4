# Debian's archives, read with lists of our own: packages of other machines and sources, nothing of which
# is installed.  For android/build, which has set -eu, say, die and $out; needs no root.
# shellcheck shell=bash disable=SC2154
#
#   KEYPLATE_MIRROR           Debian's archive; http://deb.debian.org/debian
#   KEYPLATE_SECURITY_MIRROR  its security archive; http://deb.debian.org/debian-security
#   KEYPLATE_SUITE            the release; that of this machine

SUITE=${KEYPLATE_SUITE:-$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-bookworm}")}
MIRROR=${KEYPLATE_MIRROR:-http://deb.debian.org/debian}
SECURITY_MIRROR=${KEYPLATE_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# What apt is to use instead of this machine's own: lists, packages, and no package installed.
write_apt_conf() {
    mkdir -p "$out/apt/lists/partial" "$out/apt/archives/partial" "$out/apt/empty"
    : >"$out/apt/status"
    cat >"$out/apt/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; "armhf"; };
APT::Update::Post-Invoke-Success "";
Dir::State::lists "$out/apt/lists";
Dir::State::status "$out/apt/status";
Dir::State::extended_states "$out/apt/extended_states";
Dir::Cache "$out/apt";
Dir::Cache::archives "$out/apt/archives";
Dir::Etc::sourcelist "$out/apt/sources.list";
Dir::Etc::sourceparts "$out/apt/empty";
Dir::Etc::preferencesparts "$out/apt/empty";
Dir::Log "$out/apt";
Acquire::Languages "none";
Debug::NoLocking "true";
END
    # Where root runs this, apt would hand the work to a user who may not write here.
    printf 'APT::Sandbox::User "%s";\n' "$(id -un)" >>"$out/apt/apt.conf"
}

# write_lists ARCHIVES SOURCES: what packages and what sources are from, a line each.
# shellcheck disable=SC2001
write_lists() {
    sed "s,.*,deb [arch=arm64\\,armhf signed-by=$KEYRING] & main," <<<"$1"
    sed "s,.*,deb-src [signed-by=$KEYRING] & main," <<<"$2"
}

apt() { APT_CONFIG=$out/apt/apt.conf apt-get -q "$@" </dev/null >>"$out/apt/log" 2>&1; }

# A list that can't be had or whose signature is not right counts as missing.  Sources are what goes into
# the products, so what is newer counts for them most.
load_lists() {
    local release="$MIRROR $SUITE" all
    all=$(printf '%s\n' "$release" "$MIRROR $SUITE-updates" "$SECURITY_MIRROR $SUITE-security")
    write_apt_conf
    try_lists "$all" "$all" && return
    say "packages not with the updates and the security archive, sources with them"
    try_lists "$release" "$all" && return
    say "nothing with the updates and the security archive: from the release alone"
    try_lists "$release" "$release" ||
        { tail -n 20 "$out/apt/log" >&2; die "Debian's lists can't be loaded: see above"; }
}

try_lists() {
    rm -rf "$out/apt/lists"
    mkdir -p "$out/apt/lists/partial"
    write_lists "$1" "$2" >"$out/apt/sources.list"
    apt -o APT::Update::Error-Mode=any update
}

# load_package PACKAGE:ARCH FOLDER: unpacks it there.
load_package() {
    rm -rf "$out/apt/got"
    mkdir -p "$out/apt/got" "$2"
    (cd "$out/apt/got" && apt download "$1") ||
        { tail -n 5 "$out/apt/log" >&2; die "$1 can't be loaded: see above"; }
    dpkg --extract "$out/apt/got"/*.deb "$2"
    note "$out/apt/got"/*.deb
}

# load_source PACKAGE: unpacks Debian's source of it, with Debian's patches, as src/PACKAGE.  An archive that is
# being renewed may name a version that it hasn't: then the one before it, which is said.
load_source() {
    local work=$out/src/$1.new version
    for version in $(versions "$1"); do
        rm -rf "$work" "${out:?}/src/$1"
        mkdir -p "$work"
        if (cd "$work" && apt source "$1=$version"); then
            note "$work"/*.dsc
            mv "$work"/*/ "$out/src/$1"
            rm -rf "$work"
            return
        fi
        say "$1 $version can't be had"
    done
    tail -n 5 "$out/apt/log" >&2
    die "the source of $1 can't be loaded: see above"
}

versions() {
    APT_CONFIG=$out/apt/apt.conf apt-cache showsrc "$1" | sed -n 's/^Version: //p' | sort -u | sort -rV
}

# What the products are made of, by name and version.
note() { printf '%s\n' "${1##*/}" >>"$out/made-of.txt"; }
