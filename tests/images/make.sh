#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Writes tape.aws and disk.fba into the directory named, which is made if need be, byte for byte as they lie here, and beside them
# disk.ckd, which is too large to lie here.
# Usage, in the root of the repository: tests/images/make.sh DIRECTORY
set -euo pipefail
to=$1
mkdir -p "$to"

# program DEVICE PROGRAM: runs a program and keeps what is written.
program() { cargo run -q -p ccwtool -- run --write --device "$1" "$2"; }

# A tape, empty at first, on which a recorded WRITE of Linux's tape driver writes its 496 bytes.
: > "$to/tape.aws"
program "tape:$to/tape.aws" tests/programs/linux61-3490-db-01-1.json

# A disk of 32 blocks of 512 bytes, each of which says its number in EBCDIC.
for block in {0..31}; do
    printf '%-512s' "block $block of 32"
done | iconv -f ASCII -t IBM-1047 > "$to/disk.fba"

# A 3390 of one cylinder: a header of 512 bytes (15 tracks of 56832 bytes, little-endian), then the tracks,
# each with its home address, a record 0 of eight zeros, and eight bytes FF for its end.
volume=$to/disk.ckd
printf 'CKD_P370\x0f\0\0\0\0\xde\0\0\x90' > "$volume"
for head in {0..14}; do
    truncate -s $((512 + 56832 * head)) "$volume"
    here="\\0\\0\\0\\x$(printf '%02x' "$head")"
    printf "\\0$here$here\\0\\0\\0\\x08\\0\\0\\0\\0\\0\\0\\0\\0" >> "$volume"
    printf '\xff\xff\xff\xff\xff\xff\xff\xff' >> "$volume"
done
truncate -s $((512 + 56832 * 15)) "$volume"
# The records of its first track are made by dasdfmt, recorded; three of its second say what they are.
program "eckd:$volume" tests/programs/linux61-3390-63-47-1dx12-1.json
program "eckd:$volume" tests/images/ckd-records.json
