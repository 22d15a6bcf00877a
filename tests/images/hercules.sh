#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# 3390 volumes, there and back: Hercules' tools make them, channel programs read and write them here,
# and Hercules' tools find what was written. Ends with 126 if these tools cannot be had.
# Usage, in the root of the repository: tests/images/hercules.sh DIRECTORY
set -euo pipefail
to=$(realpath "$1")
. tests/rig/lib.sh
set -e
hercules=$(need_hercules) || exit 126

tool() { hercules_tool "$hercules" "$@" 2> "$to/tool"; }

# program VOLUME PROGRAM: runs a program and keeps what is written.
program() {
    cargo run -q -p ccwtool -- run --write --format json --device "eckd:$to/$1" "tests/images/$2.json"
}

# holds LINE...: what is read from standard input is these lines.
holds() { diff <(printf '%s\n' "$@") -; }

# A volume with a sequential data set on track 1 and a library on tracks 2 and 3.
printf '%s\n' 'THE FIRST LINE' 'THE SECOND LINE' 'THE THIRD LINE' > "$to/text"
cat > "$to/layout" << LAYOUT
CCWVOL 3390 3
ccw.text TEXT $to/text TRK 1 0 0 PS FB 80 80
ccw.lib EMPTY TRK 2 0 2 PO FB 80 80
sysvtoc VTOC TRK 2
LAYOUT
rm -f "$to/volume"
tool dasdload "$to/layout" "$to/volume" 0 > "$to/load"

# What Hercules wrote is read here: three blocks of 80 bytes.
printf '%-80s' 'THE FIRST LINE' 'THE SECOND LINE' 'THE THIRD LINE' | iconv -f ASCII -t IBM-1047 \
    | od -An -v -tx1 | tr -d ' \n' > "$to/wanted"
program volume ckd-read > "$to/read"
grep -q "\"hex\":\"$(cat "$to/wanted")" "$to/read" || { cat "$to/read"; exit 1; }

# What is written here is read by Hercules: a block that was there, and a member of the library with
# its entry in the directory.
program volume ckd-update > "$to/update"
program volume ckd-member > "$to/member"
grep -q '"end":"normal"' "$to/update"
grep -q '"end":"normal"' "$to/member"
(cd "$to" && tool dasdseq -ascii volume ccw.text > seq)
holds 'THE FIRST LINE' 'NOT THE SECOND LINE ANY MORE' 'THE THIRD LINE' < "$to/ccw.text"
# dasdcat ends with 1 even if all is well.
{ tool dasdcat -i "$to/volume" 'ccw.lib/?' || true; } | holds hello
{ tool dasdcat -i "$to/volume" 'ccw.lib/HELLO:ac' || true; } | sed 's/ *$//' | holds 'HELLO FROM A CHANNEL PROGRAM'
tool dasdls "$to/volume" | sed 's/ *$//' > "$to/list"
tail -n +2 "$to/list" | holds CCW.TEXT CCW.LIB

# Volumes that dasdinit has made: with a label, with a label for Linux, and with nothing at all.
for how in '' -linux -r; do
    rm -f "$to/volume$how"
    label=CCW001
    [[ $how == -r ]] && label=
    tool dasdinit $how "$to/volume$how" 3390 $label 2 > "$to/init"
    program "volume$how" ckd-label > "$to/label" || [[ $how == -r && $? -eq 1 ]]
    case $how in
        -r) wanted='"sense":"0008' ;;
        *) wanted='"hex":"e5d6d3f1c3c3e6f0f0f1' ;;
    esac
    grep -q "$wanted" "$to/label" || { cat "$to/label"; exit 1; }
done
