# Sourced after places.sh. Debian packages, installed where they are missing.

# install_packages PROGRAM:PACKAGE...: installs each package whose PROGRAM is missing. PROGRAM is a name, or the path of a
# file of the package.
install_packages() {
  local pair program missing=()
  for pair in "$@"; do
    program=${pair%%:*}
    [[ $program == /* && -e $program ]] && continue
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("${pair##*:}")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  # Another installation may be running: apt waits for its lock.
  apt-get -o DPkg::Lock::Timeout=300 -qq update >&2
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq -y --no-install-recommends install "${missing[@]}" >&2
}
