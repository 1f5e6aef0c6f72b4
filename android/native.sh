# The gateway for one ABI of Android: a static program against musl, and the libraries in it, from
# Debian's sources.  For android/build, which has set -eu, say, die, run, jobs, root, out and apt.sh.
# shellcheck shell=bash disable=SC2154,SC2164

ABIS="arm64-v8a armeabi-v7a"

# abi NAME: sets what follows from it, and its folders.
abi() {
    abi=$1
    case $abi in
    arm64-v8a)
        debian=arm64 gnu=aarch64-linux-gnu triplet=aarch64-linux-musl family=aarch64 cpu=aarch64
        # Else the compiler asks glibc which atomics the processor has.
        tune="-march=armv8-a -mno-outline-atomics" openssl_target=linux-aarch64
        ;;
    armeabi-v7a)
        debian=armhf gnu=arm-linux-gnueabihf triplet=arm-linux-musleabihf family=arm cpu=armv7
        tune="-march=armv7-a -mfpu=vfpv3-d16" openssl_target=linux-armv4
        ;;
    *) die "$abi: no ABI of ours; they are: $ABIS" ;;
    esac
    here=$out/$abi sysroot=$out/$abi/sysroot prefix=$out/$abi/prefix cc=$out/$abi/cc
}

# ---- The C library and the compiler's own of that machine, installed nowhere ---------------------

load_sysroot() {
    local gcc
    gcc=$(APT_CONFIG=$out/apt/apt.conf apt-cache depends "gcc:$debian" | sed -n 's/.*Depends: gcc-\([0-9]*\).*/\1/p' | head -n 1)
    rm -rf "$sysroot"
    load_package "musl-dev:$debian" "$sysroot"
    load_package "linux-libc-dev:$debian" "$sysroot"
    load_package "libgcc-$gcc-dev:$debian" "$sysroot"
    # The kernel's headers beside the C library's, and no other of the other C library.
    mkdir -p "$here/headers"
    cp -a "$sysroot/usr/include/$triplet/." "$here/headers/"
    cp -a "$sysroot/usr/include/linux" "$sysroot/usr/include/asm-generic" "$sysroot/usr/include/$gnu/asm" "$here/headers/"
}

# A compiler for it that every build can use as it is.  Pages of 16 KiB: newer devices have them.
write_compiler() {
    local lib=$sysroot/usr/lib/$triplet libgcc
    libgcc=$(echo "$sysroot/usr/lib/gcc/$gnu"/*/libgcc.a)
    cat >"$cc" <<END
#!/bin/sh
for word; do
    case \$word in
    -c | -S | -E | -M | -MM | -v | --version | -dumpversion | -dumpmachine | -print-* | --print-*)
        exec clang --target=$triplet $tune -fPIE -nostdlibinc -isystem "$here/headers" -Qunused-arguments "\$@" ;;
    esac
done
exec clang --target=$triplet $tune -fPIE -nostdlibinc -isystem "$here/headers" -fuse-ld=lld -nostdlib -static-pie \\
    -Wl,-z,max-page-size=16384 -Wl,-z,relro,-z,now -Wl,--gc-sections -Qunused-arguments \\
    "$lib/rcrt1.o" "$lib/crti.o" "\$@" -Wl,--start-group "$lib/libc.a" "$libgcc" -Wl,--end-group "$lib/crtn.o"
END
    chmod 755 "$cc"
}

# ---- The libraries -------------------------------------------------------------------------------

# What Keyplate asks of libcrypto is AES-GCM, AES-CBC, SHA, HMAC, scrypt, big numbers, P-256 and X25519;
# the rest that can be left out is.  Names that this release of it doesn't know are passed over.
OPENSSL_OFF="err shared dso engine tests apps docs dynamic-engine legacy module autoload-config autoerrinit uplink
    ui-console stdio-ui err-fips fips sock dgram comp zlib ssl ssl3 tls dtls quic srtp nextprotoneg
    async afalgeng capieng padlockeng static-engine aria bf blake2 camellia cast cmac cmp cms ct des dh dsa
    ec2m gost idea md2 md4 mdc2 ocb ocsp poly1305 chacha rc2 rc4 rc5 rfc3779 rmd160 seed siphash siv sm2 sm3 sm4
    srp ts whirlpool ml-dsa slh-dsa lms argon2 hqinterop thread-pool default-thread-pool jitter"

openssl_options() {
    local known word
    known=$(perl -e 'undef $/; $_ = <>; print $1 if /my \@disablables = \((.*?)\n *\);/s' "$out/src/openssl/Configure" | tr -s '", \n' '\n')
    for word in $OPENSSL_OFF; do
        if printf '%s\n' "$known" | grep -qx -e "$word"; then printf 'no-%s ' "$word"; fi
    done
}

build_openssl() {
    mkdir -p "$here/openssl" "$prefix/lib" "$prefix/include"
    cd "$here/openssl"
    # shellcheck disable=SC2046
    run env CC="$cc" AR=llvm-ar RANLIB=llvm-ranlib "$out/src/openssl/Configure" "$openssl_target" \
        --prefix="$prefix" --openssldir=/dev/null/openssl $(openssl_options) \
        -O2 -ffunction-sections -fdata-sections -fstack-protector-strong
    run make -j "$jobs" build_generated
    run make -j "$jobs" libcrypto.a
    cp libcrypto.a "$prefix/lib/"
    cp -a "$out/src/openssl/include/openssl" "$prefix/include/"
    cp -a include/openssl/. "$prefix/include/openssl/"
    write_pc libcrypto "$(sed -n 's/^VERSION=//p' Makefile)" -lcrypto
    cd "$root"
}

# Its own list of files: they differ from system to system.
build_libuv() {
    run cmake -S "$out/src/libuv1" -B "$here/libuv" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$cpu" \
        -DCMAKE_C_COMPILER="$cc" -DCMAKE_AR=/usr/bin/llvm-ar -DCMAKE_RANLIB=/usr/bin/llvm-ranlib \
        -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY -DCMAKE_BUILD_TYPE=None \
        -DCMAKE_C_FLAGS="-Os -ffunction-sections -fdata-sections -fstack-protector-strong" \
        -DBUILD_TESTING=OFF -DLIBUV_BUILD_TESTS=OFF -DLIBUV_BUILD_BENCH=OFF
    run make -C "$here/libuv" -j "$jobs" uv_a
    cp "$here/libuv"/libuv*.a "$prefix/lib/libuv.a"
    cp -a "$out/src/libuv1/include/." "$prefix/include/"
    write_pc libuv "$(sed -n 's/^AC_INIT(\[libuv\], \[\([0-9.]*\).*/\1/p' "$out/src/libuv1/configure.ac")" -luv
}

# build_one NAME VERSION FILE.c FILE.h FOLDER [FLAGS]: a library of one file.
build_one() {
    local name=$1 version=$2 source=$3 header=$4 into=$5
    shift 5
    run "$cc" -Os -ffunction-sections -fdata-sections -fstack-protector-strong "$@" -c "$source" -o "$here/$name.o"
    run llvm-ar rcs "$prefix/lib/$name.a" "$here/$name.o"
    mkdir -p "$prefix/include/$into"
    cp "$header" "$prefix/include/$into"
    write_pc "$name" "$version" "-l${name#lib}" "$into"
}

build_small() {
    local src=$out/src
    build_one libcjson "$(define CJSON_VERSION_MAJOR "$src/cjson/cJSON.h").$(define CJSON_VERSION_MINOR "$src/cjson/cJSON.h").$(define CJSON_VERSION_PATCH "$src/cjson/cJSON.h")" \
        "$src/cjson/cJSON.c" "$src/cjson/cJSON.h" cjson
    build_one libutf8proc "$(define UTF8PROC_VERSION_MAJOR "$src/utf8proc/utf8proc.h").$(define UTF8PROC_VERSION_MINOR "$src/utf8proc/utf8proc.h").$(define UTF8PROC_VERSION_PATCH "$src/utf8proc/utf8proc.h")" \
        "$src/utf8proc/utf8proc.c" "$src/utf8proc/utf8proc.h" . -DUTF8PROC_STATIC
}

# define NAME HEADER: its number there.
define() { sed -n "s/^#define $1 *\([0-9]*\).*/\1/p" "$2"; }

# write_pc NAME VERSION LIBS [FOLDER of its headers]
write_pc() {
    mkdir -p "$prefix/lib/pkgconfig"
    printf 'Name: %s\nDescription: %s\nVersion: %s\nLibs: -L%s %s\nCflags: -I%s\n' "$1" "$1" "$2" "$prefix/lib" "$3" \
        "$prefix/include/${4:-}" >"$prefix/lib/pkgconfig/$1.pc"
}

# ---- The gateway ---------------------------------------------------------------------------------

write_cross_file() {
    cat >"$here/meson.cross" <<END
[binaries]
c = ['$cc']
ar = 'llvm-ar'
strip = 'llvm-strip'
pkgconfig = 'pkg-config'

[properties]
needs_exe_wrapper = true
pkg_config_libdir = '$prefix/lib/pkgconfig'

[host_machine]
system = 'linux'
cpu_family = '$family'
cpu = '$cpu'
endian = 'little'
END
}

build_gateway() {
    write_cross_file
    if [ ! -f "$here/keyplate/build.ninja" ]; then
        run meson setup "$here/keyplate" "$root" --cross-file "$here/meson.cross" -Dwerror=true -Dandroid=true \
            -Doptimization=2 -Ddebug=false -Dc_args="-ffunction-sections -fdata-sections -DUTF8PROC_STATIC" \
            -Dclient=true -Dtests=false -Ddemo=false -Dseccomp=disabled -Davahi=disabled -Dkeyring=disabled \
            -Dprovision=disabled -Dapp=disabled -Dsystemd=disabled -Dutf8proc=enabled
    fi
    run ninja -C "$here/keyplate" keyplate
    mkdir -p "$out/apk/lib/$abi"
    run llvm-strip -o "$out/apk/lib/$abi/libkeyplate-gateway.so" "$here/keyplate/keyplate"
}
