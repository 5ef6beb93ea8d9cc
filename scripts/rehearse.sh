#!/usr/bin/env bash
# What README promises a newcomer, done on a bare Debian of the next release: a comparison, the app, the quick tests.
#
#   scripts/rehearse.sh [--cold]
#
# It clones what is committed. Debian and .venv are kept for the next time in ~/.cache/headstart-rehearsal; --cold begins
# without them. Needs root, debootstrap and Debian's mirror, and ends with 77 and a line where one of them is missing.
#
# The host is safe: everything that is mounted is mounted in a namespace of this script's own, which the kernel takes
# away with its last process, however that ends. None of the host's folders is mounted into it, and nothing is removed
# before the namespace is gone, or across a file system.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

release=trixie
cache=${XDG_CACHE_HOME:-$HOME/.cache}/headstart-rehearsal
debian=$cache/$release
clone=$debian/root/headstart
venv=$debian/root/venv-of-last-time
devices=(null zero full random urandom tty)

cannot() {
    echo "The rehearsal was left out: $*" >&2
    exit 77
}

remove() { rm -rf --one-file-system -- "$@"; }

mirror() { # the host's own, else the one that redirects to a near one
    local found
    found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null | grep -oE 'https?://[^ ]+/debian/?( |$)' || true)
    found=${found%%$'\n'*}
    echo "${found:-http://deb.debian.org/debian}"
}

bootstrap() {
    echo "Making a bare Debian $release from $(mirror)"
    debootstrap --variant=minbase --include=python3,python3-venv,make,git,ca-certificates \
        "$release" "$debian.partial" "$(mirror)" >"$cache/debootstrap.log" 2>&1 || {
        tail -n 3 "$cache/debootstrap.log" >&2
        return 77
    }
    mv "$debian.partial" "$debian"
}

prepare() {
    local device
    cp --remove-destination -L /etc/resolv.conf /etc/hosts "$debian/etc/"
    cp --remove-destination -L /etc/ssl/certs/ca-certificates.crt "$debian/etc/ssl/certs/"
    mount -t proc proc "$debian/proc"
    mkdir -p "$debian/sys/fs/cgroup/memory" # by which a process knows its limit of memory
    if [[ -f /sys/fs/cgroup/cgroup.controllers ]]; then
        mount -t cgroup2 -o ro cgroup2 "$debian/sys/fs/cgroup" || true
    else
        mount -t cgroup -o ro,memory cgroup "$debian/sys/fs/cgroup/memory" || true
    fi
    mount -t tmpfs -o mode=755 tmpfs "$debian/dev"
    for device in "${devices[@]}"; do
        touch "$debian/dev/$device"
        mount --bind "/dev/$device" "$debian/dev/$device"
    done
    ln -s /proc/self/fd "$debian/dev/fd"
    mkdir "$debian/dev/shm"
    chmod 1777 "$debian/dev/shm"
}

# Of the host's environment only what leads to a package index.
visit() {
    local name settings=(HOME=/root PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8)
    for name in $(compgen -e | grep -E '^PIP_|^(https?|no)_proxy$|^(HTTPS?|NO)_PROXY$|^(SSL_CERT_FILE|REQUESTS_CA_BUNDLE)$'); do
        settings+=("$name=${!name}")
    done
    chroot "$debian" /usr/bin/env -i "${settings[@]}" bash -euo pipefail -c "$newcomer"
}

read -r -d '' newcomer <<'VISIT' || true
cd /root/headstart
. /etc/os-release
echo "$PRETTY_NAME, $(python3 --version)"

echo "== make compare"
make compare ZIP=assets/sample/sample.zip

echo "== make run"
port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("localhost", 0)); print(s.getsockname()[1])')
setsid make run PORT="$port" >/tmp/run.log 2>&1 &
server=$!
.venv/bin/python - "$port" <<'ASK' || { cat /tmp/run.log; exit 1; }
import sys, time, urllib.request

def asked(path):
    with urllib.request.urlopen(f"http://localhost:{sys.argv[1]}{path}", timeout=5) as answer:
        return answer.read().decode()

deadline = time.monotonic() + 120
while True:
    try:
        assert asked("/_stcore/health") == "ok"
        break
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.2)
for page in ("/", "/train"):
    assert "<title>" in asked(page), page
print("the app is up and answers")
ASK
kill -TERM -- "-$server"
wait "$server" || true

echo "== make test"
make test
VISIT

if [[ ${1:-} == --inside ]]; then # the namespace, as number 1 of its processes
    [[ -d $debian ]] || bootstrap
    [[ -d $clone ]] || mv "$cache/clone" "$clone"
    [[ ! -d $venv ]] || mv "$venv" "$clone/.venv"
    prepare
    visit
    exit
fi

((EUID == 0)) || cannot "it needs root."
for program in debootstrap chroot unshare git; do
    command -v "$program" >/dev/null || cannot "it needs $program (Debian: apt-get install debootstrap util-linux git)."
done
unshare --mount --pid --fork true 2>/dev/null || cannot "this host does not allow namespaces of its own."
! grep -qF " $cache" /proc/self/mountinfo || cannot "something is mounted below $cache; unmount it first."

mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || cannot "another one is at work in $cache."
[[ ! -d $clone/.venv || -d $venv ]] || mv "$clone/.venv" "$venv" # of one that was killed
remove "$debian.partial" "$clone" "$cache/clone"
if [[ ${1:-} == --cold ]]; then remove "$debian"; fi

git clone --quiet --no-hardlinks . "$cache/clone"
begun=$SECONDS status=0
# In a session of its own as well: to what is inside, this script's group of processes is number 0, its own.
unshare --mount --propagation private --pid --fork --kill-child setsid --wait "${BASH_SOURCE[0]}" --inside || status=$?
[[ ! -d $clone/.venv ]] || mv "$clone/.venv" "$venv"
remove "$clone" "$cache/clone"
((status != 77)) || cannot "Debian $release could not be made; $cache/debootstrap.log tells why."
echo "The rehearsal on Debian $release $( ((status)) && echo failed || echo "went well") after $((SECONDS - begun)) s."
exit "$status"
