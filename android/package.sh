# The app around the gateway: resources, code, package, signature.  For android/build, which has set -eu,
# say, die, run, root and out.
# shellcheck shell=bash disable=SC2154,SC2164

FRAMEWORK=/usr/share/android-framework-res/framework-res.apk
MIN_SDK=26
TARGET_SDK=29 # of the framework that Debian has, so that what is written here can be checked against it
VERSION=$(sed -n "s/^project(.*version: '\([0-9.]*\)'.*/\1/p" "$root/meson.build")

# 1.2.3 is 10203.
version_code() { printf '%s' "$VERSION" | awk -F. '{ print $1 * 10000 + $2 * 100 + $3 }'; }

build_app() {
    local app=$root/android/app
    rm -rf "$out/res.zip" "$out/unsigned.apk"
    run aapt2 compile --dir "$app/res" -o "$out/res.zip"
    run aapt2 link -o "$out/unsigned.apk" -I "$FRAMEWORK" --manifest "$app/AndroidManifest.xml" \
        --min-sdk-version $MIN_SDK --target-sdk-version $TARGET_SDK --version-code "$(version_code)" \
        --version-name "$VERSION" "$out/res.zip"
    run smali assemble --api $MIN_SDK -o "$out/apk/classes.dex" "$app/smali"
    # The same bytes each time: no clock in it, and the order is ours.
    find "$out/apk" -exec touch -h -d 2020-01-01T00:00:00Z {} +
    (cd "$out/apk" && run zip -X -q "$out/unsigned.apk" classes.dex lib/*/*.so)
}

# A key of this build alone: who publishes an app has one of their own, and signs with that.
make_key() {
    [ ! -f "$out/throwaway.p12" ] || return 0
    run keytool -genkeypair -keystore "$out/throwaway.p12" -storetype PKCS12 -storepass throwaway -alias throwaway \
        -keyalg EC -groupname secp256r1 -validity 3650 -dname "CN=Keyplate throwaway key"
}

sign_app() {
    make_key
    run zipalign -f -p 4 "$out/unsigned.apk" "$out/aligned.apk"
    run apksigner sign --ks "$out/throwaway.p12" --ks-pass pass:throwaway --min-sdk-version $MIN_SDK \
        --v1-signing-enabled false --v2-signing-enabled true --v3-signing-enabled true \
        --v4-signing-enabled false --out "$out/keyplate.apk" "$out/aligned.apk"
    rm -f "$out/aligned.apk" "$out/unsigned.apk" "$out/res.zip"
}

check_app() {
    run zipalign -c -p 4 "$out/keyplate.apk"
    run apksigner verify --min-sdk-version $MIN_SDK --verbose "$out/keyplate.apk"
    run python3 -B "$root/android/check_code.py" "$out/apk/classes.dex" "$root/android"
}
