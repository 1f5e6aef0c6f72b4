# The machines that Keyplate is built for from here: what the scripts beside this one share.
# Sourced by bash; the caller has set -eu and stands at the top of the project.

. scripts/setup.sh

MACHINES="arm64 armhf mipsel s390x"

# machine ARCH: sets triplet, emulator, family, cpu and endian for a name of Debian's, and its folders.
machine() {
    arch=$1
    case $arch in
    arm64) triplet=aarch64-linux-gnu emulator=qemu-aarch64 family=aarch64 cpu=aarch64 endian=little ;;
    armhf) triplet=arm-linux-gnueabihf emulator=qemu-arm family=arm cpu=armv7 endian=little ;;
    mipsel) triplet=mipsel-linux-gnu emulator=qemu-mipsel family=mips cpu=mips32r2 endian=little ;;
    s390x) triplet=s390x-linux-gnu emulator=qemu-s390x family=s390x cpu=s390x endian=big ;;
    *) die "$arch: no machine of ours; they are: $MACHINES" ;;
    esac
    cross=$PWD/build/cross/$arch
    sysroot=$cross/sysroot
}

# Folders of ARCH...: all of them without arguments.
machines_of() {
    if [ $# = 0 ]; then printf '%s\n' "$MACHINES"; else printf '%s\n' "$*"; fi
}

# What has to be on this machine for the machines "$@"; BUILD_PACKAGES are needed besides.
cross_packages() {
    local one
    printf 'qemu-user binutils '
    for one in "$@"; do
        machine "$one"
        printf 'gcc-%s ' "$triplet"
    done
}
