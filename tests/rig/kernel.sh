#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# Builds the guest's kernel from Debian's source package, with kernel.config on top of nothing, and
# prints the name of the file. No kernel that Debian builds has vfio-ccw.
#
#   kernel.sh VERSION      such as 6.12; the newest offered version if that one is not
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
version=$1
arch=$(dpkg --print-architecture)
suites="$(codename) $(codename)-backports trixie trixie-backports"

# offered: "VERSION PACKAGE-VERSION SUITE", one line for each kernel there is, the newest last.
offered() {
    local suite conf
    for suite in $(printf '%s\n' $suites | awk '!seen[$0]++'); do
        conf=$(apt_state "$arch" "$suite") || continue
        APT_CONFIG=$conf apt-cache madison '^linux-source-[0-9.]+$' \
            | awk -v suite="$suite" '{ sub("linux-source-", "", $1); print $1, $3, suite }'
    done | sort -V
}

list=$(offered)
suite=$(awk -v v="$version" '$1 == v { found = $3 } END { print found }' <<< "$list")
if [[ -z $suite ]]; then
    [[ -n $list ]] || die 'no kernel is offered'
    read -r newest _ suite < <(tail -1 <<< "$list")
    say "kernel $version is not offered (any more): $newest takes its place"
    version=$newest
fi
out=$cache/bzImage-$version
[[ -e $out ]] && { echo "$out"; exit; }

source=$cache/src/linux-source-$version build=$cache/build-$version tools=$cache/tools/usr
exec 9> "$cache/.lock"
flock 9
if [[ ! -e $source.ok ]]; then
    apt_fetch "$arch" "$suite" "linux-source-$version"
    mkdir -p "$cache/src"
    # What this configuration does not read is left out: a third of it.
    dpkg-deb --fsys-tarfile "$cache/debs/linux-source-${version}_"*.deb \
        | tar -xO "./usr/src/linux-source-$version.tar.xz" | xz -dc \
        | tar -x -C "$cache/src" --exclude='*/drivers/gpu/drm/amd/include/*' --exclude='*/tools/testing/*' \
            --exclude='*/Documentation/devicetree/*' --exclude='*/arch/*/boot/dts/*' \
            --exclude='*/drivers/net/ethernet/*.c' --exclude='*/drivers/net/wireless/*.c'
    touch "$source.ok"
fi
if ! command -v flex > /dev/null || ! command -v bison > /dev/null; then
    if [[ ! -x $tools/bin/bison ]]; then
        packages='flex bison m4 libsigsegv2 libfl2'
        apt_fetch "$arch" "$(codename)" $packages
        unpack tools $(printf '%s_*.deb ' $packages)
    fi
    export PATH=$tools/bin:$PATH BISON_PKGDATADIR=$tools/share/bison M4=$tools/bin/m4 HOSTCFLAGS="-I$tools/include"
    LD_LIBRARY_PATH=$(echo "$tools"/lib/*-linux-gnu | tr ' ' :)
    export LD_LIBRARY_PATH
fi
export KBUILD_BUILD_USER=rig KBUILD_BUILD_HOST=rig KBUILD_BUILD_TIMESTAMP=@0
kbuild() { make -C "$source" O="$build" ARCH=s390 CROSS_COMPILE=s390x-linux-gnu- "$@" >&2; }
mkdir -p "$build"
kbuild KCONFIG_ALLCONFIG="$rig/kernel.config" allnoconfig
for option in CCW S390_GUEST DASD_ECKD IOMMUFD VFIO_GROUP VFIO_DEVICE_CDEV VFIO_CCW; do
    grep -q "^CONFIG_$option=y" "$build/.config" || die "kernel $version cannot be had with CONFIG_$option"
done
kbuild -j"$(nproc)" bzImage
cp "$build/arch/s390/boot/bzImage" "$out.tmp"
mv "$out.tmp" "$out"
echo "$out"
