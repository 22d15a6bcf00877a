# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# What the scripts here share: where things are, and how they are fetched. To be sourced.
#
# CCW_RIG        a folder with ready kernels (bzImage-VERSION) and an initramfs.cpio.gz, only read
#                (../shared/rig beside the checkout, if there)
# CCW_RIG_CACHE  what is fetched, unpacked and built (XDG's cache folder: ccw-rig)

rig=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$rig/../.." && pwd)
cache=$(realpath -m "${CCW_RIG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ccw-rig}")
ready=${CCW_RIG-$root/../shared/rig}
[[ -d $ready ]] && ready=$(cd "$ready" && pwd) || ready=

say() { echo "rig: $*" >&2; }
die() { say "$@"; exit 126; }

case $rig$cache$ready in *[[:space:]]*) die 'does not work in a folder with blanks in its name' ;; esac

# --- packages ------------------------------------------------------------------------------------

codename() { (. /etc/os-release && echo "${VERSION_CODENAME-}"); }

# apt_state ARCH SUITE: the configuration of an apt of our own for that suite, served by the site
# that serves this machine. Its state is made once; REFRESH=1 makes it again.
apt_state() {
    local arch=$1 suite=$2 dir=$cache/apt/$2-$1 uri keyring
    if [[ ! -e $dir/ok || -n ${REFRESH-} ]]; then
        uri=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL) $(CODENAME)' 'Created-By: Packages' \
            | awk '$2 == "Debian" && $3 == "Debian" && $4 !~ /-/ { print $1; exit }')
        [[ -n $uri ]] || { say "apt on this machine knows no Debian to fetch from"; return 1; }
        keyring=$(awk 'tolower($1) == "signed-by:" { print $2; exit }' /etc/apt/sources.list.d/*.sources 2> /dev/null || true)
        mkdir -p "$dir"/{lists/partial,cache/archives/partial,log}
        : > "$dir/status"
        echo "deb [arch=$arch signed-by=${keyring:-/usr/share/keyrings/debian-archive-keyring.gpg}] $uri $suite main" > "$dir/sources.list"
        cat > "$dir/apt.conf" << CONF
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "root";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear Acquire::IndexTargets;
Acquire::IndexTargets { deb::Packages { MetaKey "\$(COMPONENT)/binary-\$(ARCHITECTURE)/Packages"; flatMetaKey "Packages"; ShortDescription "Packages"; Description "\$(RELEASE)/\$(COMPONENT) \$(ARCHITECTURE) Packages"; Optional "0"; }; };
Acquire::Languages "none";
Acquire::Retries "3";
$(apt-config dump | grep -E '^Acquire::(Check-|http|https|ftp|By-Hash|ForceIPv)' || true)
Dir::State "$dir"; Dir::State::lists "$dir/lists"; Dir::State::status "$dir/status";
Dir::Cache "$dir/cache"; Dir::Log "$dir/log";
Dir::Etc::sourcelist "$dir/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
CONF
        APT_CONFIG=$dir/apt.conf timeout 300 apt-get -q update >&2 || return 1
        touch "$dir/ok"
    fi
    echo "$dir/apt.conf"
}

# apt_fetch ARCH SUITE PACKAGE...: the packages' files, in $cache/debs.
apt_fetch() {
    local conf
    conf=$(apt_state "$1" "$2") || return 1
    shift 2
    mkdir -p "$cache/debs"
    (cd "$cache/debs" && APT_CONFIG=$conf timeout 900 apt-get -q download "$@" >&2)
}

# unpack NAME PATTERN...: packages unpacked to $cache/NAME, completely or not at all.
unpack() {
    local name=$1 tmp=$cache/$1.tmp pattern
    shift
    rm -rf "$tmp"
    mkdir -p "$tmp"
    for pattern in "$@"; do
        dpkg-deb -x "$cache"/debs/$pattern "$tmp"
    done
    rm -rf "${cache:?}/$name"
    mv "$tmp" "$cache/$name"
}

# --- what the guest needs ------------------------------------------------------------------------

# need_hercules: the folder that holds its bin and lib: installed, or fetched and unpacked.
need_hercules() {
    local dir suite arch
    arch=$(dpkg --print-architecture)
    for dir in "${HERCULES_DIR-}" /usr "$cache/hercules/usr"; do
        [[ -n $dir && -x $dir/bin/hercules ]] && { echo "$dir"; return; }
    done
    for suite in $(codename) bookworm; do
        if apt_fetch "$arch" "$suite" hercules; then
            unpack hercules "hercules_*_$arch.deb"
            echo "$cache/hercules/usr"
            return
        fi
    done
    say 'Hercules can neither be found nor fetched'
    return 1
}

hercules_tool() {
    local dir=$1 tool=$2
    shift 2
    LD_LIBRARY_PATH=$dir/lib/hercules:$dir/lib "$dir/bin/$tool" "$@"
}

# need_kernel VERSION: the file of a kernel of that version, or of the newest that is offered.
need_kernel() {
    local version=$1 dir
    for dir in $ready $cache; do
        [[ -e $dir/bzImage-$version ]] && { echo "$dir/bzImage-$version"; return; }
    done
    "$rig/kernel.sh" "$version"
}

# need_initramfs: busybox and /init; the job comes in by a second archive.
need_initramfs() {
    local suite file=$cache/initramfs.cpio.gz busybox tree
    if [[ -e $ready/initramfs.cpio.gz ]] && cmp -s <(gzip -dc "$ready/initramfs.cpio.gz" | cpio -i --quiet --to-stdout init 2> /dev/null) "$rig/init"; then
        echo "$ready/initramfs.cpio.gz"
        return
    fi
    if [[ ! -e $file || $rig/init -nt $file ]]; then
        tree=$(mktemp -d)
        mkdir -p "$tree"/{bin,dev,proc,sys,tmp,job,out}
        if [[ ! -d $cache/busybox && -e $ready/initramfs.cpio.gz ]]; then
            (cd "$tree" && gzip -dc "$ready/initramfs.cpio.gz" | cpio -i --quiet bin/busybox)
        else
            for suite in $(codename) trixie bookworm; do
                [[ -d $cache/busybox ]] && break
                apt_fetch s390x "$suite" busybox-static && unpack busybox 'busybox-static_*_s390x.deb'
            done
            busybox=$(find "$cache/busybox" -path '*bin/busybox' | head -1)
            [[ -n $busybox ]] || { say 'busybox can neither be found nor fetched'; return 1; }
            install -m755 "$busybox" "$tree/bin/busybox"
        fi
        install -m755 "$rig/init" "$tree/init"
        mkdir -p "$cache"
        (cd "$tree" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet | gzip -9n) > "$file.tmp"
        mv "$file.tmp" "$file"
        rm -rf "$tree"
    fi
    echo "$file"
}

# make_initrd FILE JOB...: the initramfs, and the files of the job in /job.
make_initrd() {
    local file=$1 tree
    shift
    tree=$(mktemp -d)
    mkdir "$tree/job"
    install -m755 "$@" "$tree/job"
    { cat "$(need_initramfs)"; (cd "$tree" && find job -mindepth 1 | cpio -o -H newc -R 0:0 --quiet | gzip -1n); } > "$file"
    rm -rf "$tree"
}
