#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Writes tape.aws and disk.fba into the directory named, byte for byte as they lie here.
# Usage, in the root of the repository: tests/images/make.sh DIRECTORY
set -euo pipefail
to=$1

# A tape, empty at first, on which a recorded WRITE of Linux's tape driver writes its 496 bytes.
: > "$to/tape.aws"
cargo run -q -p ccwtool -- run --write --device "tape:$to/tape.aws" \
    tests/programs/linux61-3490-db-01-1.json

# A disk of 32 blocks of 512 bytes, each of which says its number in EBCDIC.
for block in {0..31}; do
    printf '%-512s' "block $block of 32"
done | iconv -f ASCII -t IBM-1047 > "$to/disk.fba"
