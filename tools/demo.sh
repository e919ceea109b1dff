#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh: see it work. A file goes from the stack to the kernel's curl and back, over IPv4 and IPv6, and over a bad
# line; every copy is compared. Everything happens in network namespaces made for the purpose (tcpip --netns) and in a
# temporary folder; nothing is left behind but one capture, in the build folder.
#
#     tools/demo.sh              BUILD=build, DEMO_BYTES=100000000, DEMO_LOSSY_BYTES=5000000 unless set otherwise
#
# Where no TUN can be had it says why, and two stacks of one process take the kernel's place.
set -eu

build=${BUILD:-build}
bytes=${DEMO_BYTES:-100000000}
lossy=${DEMO_LOSSY_BYTES:-5000000}
tcpip=$build/tcpip
[ -x "$tcpip" ] || { echo "demo: $tcpip isn't there: run make" >&2; exit 1; }
for program in curl ping sha256sum; do
    command -v "$program" >/dev/null || { echo "demo: $program is missing: tools/bootstrap.sh demo" >&2; exit 1; }
done

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

die() {
    echo "demo: $*" >&2
    [ ! -s "$tmp/err" ] || sed 's/^/demo:     /' "$tmp/err" >&2
    exit 1
}

# ---- the table ----

header() {
    printf '%-38s %11s %9s %9s %12s\n' what bytes seconds Gbit/s retransmits
}

# row WHAT BYTES SECONDS RETRANSMISSIONS
row() {
    awk -v what="$1" -v bytes="$2" -v seconds="$3" -v again="$4" 'BEGIN {
        rate = seconds > 0 ? bytes * 8 / seconds / 1e9 : 0
        printf "%-38s %11s %9.3f %9.3f %12s\n", what, bytes, seconds, rate, again
    }'
}

judge_capture() {
    if command -v tshark >/dev/null; then
        count() { tshark -n -r "$1" -Y "$2" 2>/dev/null | wc -l; }
        bad='_ws.malformed || _ws.expert.severity == 8388608'
        echo "capture: $1: tshark reads $(count "$1" frame) packets, $(count "$1" tcp.analysis.retransmission)" \
            "retransmissions, $(count "$1" "$bad") malformed or in error"
    else
        echo "capture: $1, for Wireshark (tshark isn't installed)"
    fi
}

# ---- without a kernel ----

if ! "$tcpip" echo --netns -- true 2>"$tmp/why"; then
    echo "demo: no TUN: $(cat "$tmp/why")"
    echo "demo: so two stacks in one process, joined by a pipe, instead of one and the kernel:"
    header
    "$tcpip" demo-pipe "$bytes" "$lossy" "$build/demo.pcapng" >"$tmp/lines" || die "the stacks failed each other"
    while IFS="$(printf '\t')" read -r what size seconds again; do
        row "$what" "$size" "$seconds" "$again"
    done <"$tmp/lines"
    judge_capture "$build/demo.pcapng"
    echo "demo: every byte arrived as it was sent"
    exit 0
fi

# ---- with the kernel's TCP as the peer ----

root=$tmp/root
mkdir "$root"
head -c "$bytes" /dev/urandom >"$root/data"
head -c "$lossy" "$root/data" >"$root/short"

# What runs beside the server, in its namespace; the last field is what the kernel sent again.
cat >"$tmp/client" <<'END'
set -eu
"$@"
again=$(awk '/^Tcp:/ && NR > 1 { again = $13 } END { print again }' /proc/net/snmp)
echo " $again"
END

same() {
    [ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ] || die "$1 arrived changed"
}

# The stack's own retransmissions.
stack_again() {
    again=$(sed -n 's/.*"retransmits": *\([0-9]*\).*/\1/p' "$tmp/stats")
    echo "${again:-0}"
}

# download WHAT HOST FILE [OPTION]...
download() {
    what=$1 host=$2 file=$3
    shift 3
    line=$("$tcpip" serve "$root" --netns --stats=json --stats-to "$tmp/stats" "$@" -- sh "$tmp/client" \
        curl -sS -o "$tmp/got" -w '%{size_download} %{time_total}' "http://$host/$file" 2>"$tmp/err") ||
        die "$what failed"
    same "$root/$file" "$tmp/got"
    rm "$tmp/got"
    # shellcheck disable=SC2086 # words
    set -- $line
    row "$what" "$1" "$2" "$(stack_again)"
}

# upload WHAT HOST
upload() {
    line=$("$tcpip" serve "$root" --netns -- sh "$tmp/client" \
        curl -sS -o /dev/null -T "$root/data" -w '%{size_upload} %{time_total}' "http://$2/copy" 2>"$tmp/err") ||
        die "$1 failed"
    same "$root/data" "$root/copy"
    rm "$root/copy"
    what=$1
    # shellcheck disable=SC2086 # words
    set -- $line
    row "$what" "$1" "$2" "$3"
}

"$tcpip" --version
echo "the kernel's curl and ping at 10.77.0.1 and fd77::1, this stack at 10.77.0.2 and fd77::2, a TUN between them"
header
download "download, IPv4" 10.77.0.2 data
download "download, IPv6" '[fd77::2]' data
upload "upload, IPv4" 10.77.0.2
upload "upload, IPv6" '[fd77::2]'
download "download, 1 % loss, 20 ms round trip" 10.77.0.2 short --fault loss=1%,delay=10ms

# beside DIRECTION: this stack to the kernel and the kernel to itself, for five seconds, over lines that lose the
# same packets; the mean of four pairs.
beside() {
    "$build/tests/interop/interop-compare" --direction "$1" --loss 10000 --delay 10000 --rate 100000000 \
        --queue 250000 --seconds 5 --lines 4 >"$tmp/lines" 2>"$tmp/err" || return 0
    for who in ours kernel; do
        grep "\"$who\"" "$tmp/lines" >"$tmp/ends"
        got=$(sed -n 's/.*"bytes": \([0-9]*\).*/\1/p' "$tmp/ends" | awk '{ sum += $1 } END { print int(sum / 4) }')
        again=$(sed -n 's/.*"retransmits": \([0-9]*\).*/\1/p' "$tmp/ends" | awk '{ n += $1 } END { print int(n / 4) }')
        case $1-$who in
            upload-ours) what="us to kernel" ;;
            download-ours) what="kernel to us" ;;
            *) what="kernel to kernel" ;;
        esac
        row "1 % loss, 20 ms, $what" "$got" 5 "$again"
    done
}
if [ -x "$build/tests/interop/interop-compare" ]; then
    beside upload
    beside download
fi

pings() {
    for host in 10.77.0.2 fd77::2; do
        "$tcpip" echo --netns -- ping -q -i 0.2 -c 5 "$host" >"$tmp/ping" 2>"$tmp/err" || die "no echo from $host"
        echo "ping, kernel to stack, $host: $(sed -n 's/.*received, //p; s/^rtt //p' "$tmp/ping" | tr '\n' ' ')"
    done
    for host in 10.77.0.1 fd77::1; do
        "$tcpip" ping --netns --count 5 --interval 200ms "$host" >"$tmp/ping" 2>"$tmp/err" || die "no echo from $host"
        echo "ping, stack to kernel, $host: $(tail -n 1 "$tmp/ping")"
    done
}
pings

head -c 500000 "$root/data" >"$root/short"
"$tcpip" serve "$root" --netns --fault loss=1%,delay=5ms,seed=2 --pcap "$build/demo.pcapng" -- \
    curl -sS -o "$tmp/got" "http://10.77.0.2/short" 2>"$tmp/err" || die "the run with a capture failed"
same "$root/short" "$tmp/got"
judge_capture "$build/demo.pcapng"
echo "demo: every byte arrived as it was sent (SHA-256 of each copy)"
