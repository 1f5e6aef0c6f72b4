#!/bin/bash
# Constant time: no branch of ours depends on a secret, and no address. Secrets are marked as
# uninitialised memory, and valgrind's memcheck reports whatever is decided by them. Prints a line a
# case; exit status 1 when something was reported, or when a control, which has a fault, was not.
#
#       test/ct/run.sh [CASE...]        default: all, on gcc's release build and then on clang's
#
# Covered: lib/ as it runs in whole handshakes of our client with our server (SRP; SPAKE2+ in both
# forms; right and wrong passwords, unknown users, another device, HelloRetryRequest, guesses that are
# and aren't judged), tickets, data both ways in CBC and each AEAD, damaged records, new keys,
# exporters, comparisons, and the look-up of users. Secret: passwords and what is made of them,
# exponents, scalars, verifiers, seeds, shared secrets, every key, MACs before they are compared,
# application data, and who is simulated until the proof. What the protocol makes public is named in
# public.c and shim.c, each with its reason.
#
# Not covered:
# - libcrypto: it gets copies without marks (shim.c). What of lib/crypto only hands over to it is as
#   good as it is; what computes itself is judged: tables of powers, residues, scalars, HKDF.
# - Key agreement for key_share, which is libcrypto's from end to end.
# - Which entry's verifier is worked with after the look-up: the memory it lies in is another for
#   each user.
# - Reading and writing the credentials, and the commands: nobody on the wire can time them.
# - How long an instruction takes: memcheck sees branches and addresses. See ./runtests timing.
# - Other compilers and machines than those it runs on.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)

if ! command -v valgrind >/dev/null; then
    echo "skipped: valgrind is not here"
    exit 0
fi

# build_of COMPILER: prints the folder of its build.
build_of() {
    local build=${KP_CT_BUILD:-$root/build-ct}-$1
    if [ ! -f "$build/build.ninja" ]; then
        # valgrind does not read every DWARF 5.
        CC=$1 meson setup "$build" "$root" -Dbuildtype=release -Ddebug=true \
            -Dc_args=-gdwarf-4 -Dclient=false -Ddemo=false >"$build.log" 2>&1 ||
            { cat "$build.log" >&2; return 1; }
        rm -f "$build.log"
    fi
    ninja -C "$build" test/ct/ct-cases >"$build/build.log" 2>&1 ||
        { tail -n 40 "$build/build.log" >&2; return 1; }
    echo "$build"
}

# verdict WANTED STATUS LOG: "ok", or what is wrong. Only a report of memcheck's is one.
verdict() {
    local reports
    reports=$(grep -c 'depends on uninitialised value\|Use of uninitialised value' "$3")
    case $1-$2 in
    clean-0) echo ok ;;
    clean-9) echo "$reports REPORTS, see $3" ;;
    caught-9) if [ "$reports" -gt 0 ]; then echo "ok (the fault is seen)"; else echo "NOTHING OF THE FAULT, see $3"; fi ;;
    caught-0) echo "THE FAULT ISN'T SEEN" ;;
    *) echo "FAILED with status $2, see $3" ;;
    esac
}

# run BUILD COMPILER NAME WANTED: one case, its line, and what was reported that shouldn't be.
run() {
    local log=$1/ct-$3.log rc=0 said
    timeout 170 valgrind -q --tool=memcheck --leak-check=no --error-exitcode=9 \
        --track-origins=yes "$1/test/ct/ct-cases" "$3" >"$log" 2>&1 </dev/null || rc=$?
    said=$(verdict "$4" "$rc" "$log")
    printf 'ct %-5s %-22s %s\n' "$2" "$3" "$said"
    case $said in
    ok*) return 0 ;;
    esac
    grep -A6 'uninitialised value' "$log" | head -n 16 | sed 's/^/      /'
    return 1
}

# run_all BUILD COMPILER [CASE...]: two at a time; status 1 when one failed or there was none.
run_all() {
    local build=$1 compiler=$2 name wanted status=0 count=0
    shift 2
    while read -r name wanted; do
        case " ${*:-$name} " in
        *" $name "*) ;;
        *) continue ;;
        esac
        [ $count -lt 2 ] || wait -n || status=1
        run "$build" "$compiler" "$name" "$wanted" &
        count=$((count + 1))
    done < <("$build/test/ct/ct-cases")
    [ $count -gt 0 ] || { echo "ct $compiler: no case was run"; return 1; }
    for _ in 1 2; do
        wait -n || [ $? = 127 ] || status=1
    done
    return $status
}

status=0
for compiler in gcc clang; do
    if ! command -v $compiler >/dev/null; then
        echo "ct $compiler: skipped: it is not here"
        continue
    fi
    build=$(build_of $compiler) || exit 1
    run_all "$build" $compiler "$@" || status=1
done
exit $status
