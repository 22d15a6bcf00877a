#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Builds every fuzz target, and puts it into $OUT with its seeds, dictionary and options, as
# ClusterFuzzLite and OSS-Fuzz expect it. Runs in the root of this repository, in their images and
# outside.
#
# OUT             where to
# SANITIZER       address (what the engines ask for; on a stable compiler RUSTC_BOOTSTRAP=1 is needed),
#                 none, or coverage, for which the engine has set RUSTFLAGS
# FUZZING_ENGINE  libfuzzer
set -euo pipefail

: "${OUT:?names the folder for what is built}" "${SANITIZER:=address}" "${FUZZING_ENGINE:=libfuzzer}"
case $SANITIZER in
    address) sanitizer=address ;;
    none | coverage) sanitizer=none ;;
    *) echo "build.sh: SANITIZER is $SANITIZER: only address, none and coverage are supported" >&2; exit 1 ;;
esac
[[ $FUZZING_ENGINE == libfuzzer ]] \
    || { echo "build.sh: FUZZING_ENGINE is $FUZZING_ENGINE: only libfuzzer is supported" >&2; exit 1; }

# Most bytes of an input. Longer ones are slower, and reach nothing else.
max_len() {
    case $1 in
        text | dump) echo 16384 ;;
        *) echo 4096 ;;
    esac
}

dictionary() {
    case $1 in
        text | dump) echo "fuzz/$1.dict" ;;
        *) echo fuzz/ccw.dict ;;
    esac
}

cargo fuzz build -s "$sanitizer"
built=${CARGO_TARGET_DIR:-fuzz/target}/$(rustc -vV | sed -n 's/^host: //p')/release
mkdir -p "$OUT"
targets=$(cargo fuzz list)
[[ -n $targets ]]
for target in $targets; do
    cp "$built/$target" "$OUT/"
    cp "$(dictionary "$target")" "$OUT/$target.dict"
    printf '[libfuzzer]\nmax_len = %d\ndict = %s.dict\n' "$(max_len "$target")" "$target" > "$OUT/$target.options"
    # What once failed is a seed too.
    seeds=("fuzz/seeds/$target"/*)
    for file in "tests/regressions/$target"/*; do
        [[ ! -e $file ]] || seeds+=("$file")
    done
    rm -f "$OUT/${target}_seed_corpus.zip"
    zip -q -j -X "$OUT/${target}_seed_corpus.zip" "${seeds[@]}"
done
