#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Boots the guest under Hercules, which emulates disks, tapes and printers; prints what its job wrote
# and ends with the job's status.
#
#   hercules.sh SECONDS KERNEL INITRD [CONFIG LINE]...
#
# 124: it took too long. 125: it ended without a status.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
seconds=$1 kernel=$2 initrd=$3
shift 3
hercules=$(need_hercules) || exit 126
dir=$(mktemp -d)
pid=
trap '[[ -z $pid ]] || kill -9 "$pid" 2> /dev/null; rm -rf "$dir"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# Big-endian words for the kernel's start-up code: where the initrd is, and how long.
word() { printf '%b' "$(printf '%08x' "$1" | sed 's/../\\x&/g')"; }
truncate -s 16M "$dir/out"
cp "$kernel" "$dir/kernel"
printf 'loglevel=4 panic=-1 rdinit=/init console=ttyS0 rig.out=0.0.fba0\0' > "$dir/parm"
word $((0x2000000)) > "$dir/off"
word "$(stat -c %s "$initrd")" > "$dir/size"
printf '* rig\nkernel 0x00000000\nparm 0x00010480\n%s 0x02000000\noff 0x0001040c\nsize 0x00010414\n' initrd > "$dir/rig.ins"
cp "$initrd" "$dir/initrd"
{
    printf '%s\n' 'ARCHMODE z/Arch' 'CPUSERIAL 000069' 'CPUMODEL 2097' 'MAINSIZE 512' 'NUMCPU 1' 'OSTAILOR QUIET'
    [[ $# -eq 0 ]] || printf '%s\n' "$@"
    echo "FBA0 9336 $dir/out"
} > "$dir/conf"
echo "ipl $dir/rig.ins" > "$dir/rc"

lib=$hercules/lib
LD_LIBRARY_PATH=$lib/hercules:$lib HERCULES_RC=$dir/rc "$hercules/bin/hercules" -d -p "$lib/hercules" -f "$dir/conf" \
    < /dev/null > "$dir/log" 2>&1 &
pid=$!
ended=
for ((end = SECONDS + seconds; SECONDS < end; )); do
    sleep .1
    # The guest has powered itself off, or waits for good, or Hercules itself has gone.
    if grep -aqE 'SIGP Stop|HHCCP011I|disabled wait' "$dir/log" || ! kill -0 "$pid" 2> /dev/null; then
        ended=1
        break
    fi
done
sleep .2
kill -9 "$pid" 2> /dev/null
wait "$pid" 2> /dev/null
pid=
tr -d '\0' < "$dir/out" | tee "$dir/console"
[[ -s $dir/console ]] || { say "the guest wrote nothing; Hercules' last lines:"; tail -20 "$dir/log" >&2; }
status=$(sed -n 's/^@@RIG-EXIT \([0-9]*\)$/\1/p' "$dir/console" | tail -1)
[[ -n $status ]] && exit "$status"
[[ -n $ended ]] && exit 125
exit 124
