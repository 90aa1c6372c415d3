# Sourced. Building one image with buildah, into an archive in the cache, or with Docker, into its own store.
#   image NAME TARGET CONTAINERFILE CONTEXT [KEY=VALUE...]   prints "NAME ARCHIVE", or "NAME IMAGE-ID" with Docker

# ---- buildah: nothing of it outlives the run, neither its store nor its mounts -------------------------------------
buildah_() { unshare --mount --propagation private buildah --root "$work/store" --runroot "$work/run" --storage-driver overlay "$@"; }

# What a Rust program needs at run time. The certificates' bundle is made by hand: no maintainer script has run.
base_packages=base-files,libc-bin,libc6,libgcc-s1,ca-certificates,tzdata,libssl3t64,zlib1g,netbase
base_suite=trixie

base_archive() {
  local tar=$images/base-$(echo "$base_suite $base_packages" | cat - "$here/engines.sh" | sha256sum | cut -c1-12).tar root=$work/base
  if [[ ! -s $tar ]]; then
    say "base of our programs"
    mmdebstrap --quiet --variant=extract --mode=root --include="$base_packages" "$base_suite" "$root" >"$work/base.log" 2>&1 ||
      fail "mmdebstrap: $(tail -n 5 "$work/base.log")"
    cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
    rm -rf "$root"/etc/{apt,resolv.conf,hostname} "$root"/var/{lib/apt,lib/dpkg,cache,log} "$root"/usr/share/{doc,man,info,locale,lintian}
    tar --sort=name --mtime=@0 -C "$root" -cf "$tar.part" .
    mv "$tar.part" "$tar"
  fi
  echo "$tar"
}

# base: the image that stands in for debian:trixie-slim, in this run's store.
buildah_base() {
  local name=localhost/ticket-platform/base
  if ! buildah_ inspect --type image "$name" >/dev/null 2>&1; then
    mkdir -p "$work/base-context"
    ln "$(base_archive)" "$work/base-context/base.tar"
    buildah_ build --quiet --isolation chroot --timestamp 0 --tag "$name" --file "$here/Containerfile.base" "$work/base-context" >/dev/null
  fi
  echo "$name"
}

# key CONTAINERFILE NAME: hashes what an image is made of, told on standard input, so that one that is there is not built again.
key() { { cat "$1" "$here/engines.sh" -; echo "$2"; } | sha256sum | cut -c1-12; }

# build_archive NAME TARGET CONTAINERFILE CONTEXT ARCHIVE; the build arguments stand in `arguments`.
build_archive() {
  local name=$1 target=$2 containerfile=$3 context=$4 archive=$5 argument flags=()
  say "image $name"
  for argument in "${arguments[@]}"; do flags+=(--build-arg "$argument"); done
  buildah_ build --quiet --isolation chroot --layers --timestamp 0 "${flags[@]}" --target "$target" --tag "$name" \
    --file "$containerfile" "$context" >/dev/null
  rm -f "$archive.part"
  # zstd: a third of the size, and quicker to write and to import than nothing at all
  buildah_ push --quiet --format oci --compression-format zstd --compression-level 1 "$name" "oci-archive:$archive.part:$name"
  find "$images" -name "$(basename "${archive%-*}")-????????????.tar" -mmin +60 -delete # earlier content; nobody imports it any more
  mv "$archive.part" "$archive"
}

# ---- Docker: its own cache decides what is built again ----------------------------------------------------------------
build_with_docker() { # NAME TARGET CONTAINERFILE CONTEXT
  local argument flags=()
  for argument in "${arguments[@]}"; do flags+=(--build-arg "$argument"); done
  docker build --quiet "${flags[@]}" --target "$2" --tag "$1" --file "$3" "$4"
}
