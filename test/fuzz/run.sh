#!/bin/sh
# Fuzzes every target with clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, two
# at a time, and prints a line for each. Exit status 1 when one found something: the input is
# then in build-fuzz/findings/.
#
#       test/fuzz/run.sh [SECONDS_PER_TARGET [TARGET...]]       default 20 seconds, all targets
#
# The committed corpus is read, never written; what is new stays in build-fuzz/corpus/.
set -eu

seconds=${1:-20}
[ $# -gt 0 ] && shift
here=$(cd "$(dirname "$0")" && pwd)
root=${KP_FUZZ_ROOT:-$(cd "$here/../.." && pwd)}
build=${KP_FUZZ_BUILD:-$root/build-fuzz}

if [ ! -f "$build/build.ninja" ]; then
    CC=${FUZZ_CC:-clang} meson setup "$build" "$root" -Dfuzz=true -Dbuildtype=debugoptimized \
        -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=all' >"$build.log" 2>&1 ||
        { cat "$build.log"; exit 1; }
    rm -f "$build.log"
fi

targets=${*:-$(ls "$here/corpus")}
names=
for target in $targets; do
    names="$names test/fuzz/fuzz-$target"
done
# shellcheck disable=SC2086
ninja -C "$build" $names >"$build/build.log" 2>&1 || { tail -n 40 "$build/build.log"; exit 1; }

mkdir -p "$build/findings"
rm -f "$build/findings/failed"

fuzz() {
    target=$1
    mkdir -p "$build/corpus/$target"
    log=$build/findings/$target.log
    verdict=ok
    "$build/test/fuzz/fuzz-$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -max_len=20000 -print_final_stats=1 -artifact_prefix="$build/findings/$target-" \
        "$build/corpus/$target" "$here/corpus/$target" >"$log" 2>&1 || {
        verdict="FOUND SOMETHING, see $log"
        : >"$build/findings/failed"
    }
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    printf 'fuzz %-13s %s s, %s runs, %s/s, %s edges: %s\n' "$target" "$seconds" "${runs:-?}" \
        "${rate:-?}" "${covered:-?}" "$verdict"
}

# Two at a time.
# shellcheck disable=SC2086
set -- $targets
while [ $# -gt 0 ]; do
    (fuzz "$1") &
    shift
    if [ $# -gt 0 ]; then
        (fuzz "$1") &
        shift
    fi
    wait
done
[ ! -e "$build/findings/failed" ]
