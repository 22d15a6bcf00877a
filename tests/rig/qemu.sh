#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Boots the guest under QEMU; prints what its job writes and ends with the job's status.
#
#   qemu.sh SECONDS KERNEL INITRD [QEMU ARGUMENT]...
#
# 124: it took too long. 125: it ended without a status.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
seconds=$1 kernel=$2 initrd=$3
shift 3
dir=$(mktemp -d)
pid=
trap '[[ -z $pid ]] || kill "$pid" 2> /dev/null; rm -rf "$dir"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
mkfifo "$dir/pipe"
sed -u 's/\r//g' < "$dir/pipe" | tee "$dir/console" &
printer=$!
timeout -k 5 "$seconds" "${QEMU:-qemu-system-s390x}" -M s390-ccw-virtio -accel tcg,thread=single -cpu max -smp 1 -m 512 \
    -nodefaults -display none -monitor none -no-reboot -chardev stdio,id=con0,signal=off -device sclpconsole,chardev=con0 \
    -kernel "$kernel" -initrd "$initrd" -append 'quiet loglevel=4 panic=-1 rdinit=/init' "$@" \
    < /dev/null 2> "$dir/err" > "$dir/pipe" &
pid=$!
wait "$pid"
ended=$?
pid=
wait "$printer"
grep -vE 'module ui-|audio-' "$dir/err" >&2
[[ $ended -ne 124 && $ended -ne 137 ]] || exit 124
status=$(sed -n 's/^.*@@RIG-EXIT \([0-9]*\)$/\1/p' "$dir/console" | tail -1)
exit "${status:-125}"
