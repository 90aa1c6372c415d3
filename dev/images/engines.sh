# Sourced. Builds one image: with buildah into an archive in the cache, or with Docker into Docker's own store.

# ---- buildah: its store and its mounts end with the run --------------------------------------------------------------
buildah_() { unshare --mount --propagation private buildah --root "$work/store" --runroot "$work/run" --storage-driver overlay "$@"; }

# What a Rust program needs at run time. No maintainer script runs, so base_archive makes the bundle of certificates.
base_packages=base-files,libc-bin,libc6,libgcc-s1,ca-certificates,tzdata,libssl3t64,zlib1g,netbase
base_suite=trixie

base_archive() {
  local tar=$images/base-$(echo "$base_suite $base_packages" | cat - "$here/engines.sh" | sha256sum | cut -c1-12).tar root=$work/base
  if [[ ! -s $tar ]]; then
    say "base image of our programs"
    mmdebstrap --quiet --variant=extract --mode=root --include="$base_packages" "$base_suite" "$root" >"$work/base.log" 2>&1 ||
      fail "mmdebstrap: $(tail -n 5 "$work/base.log")"
    cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
    rm -rf "$root"/etc/{apt,resolv.conf,hostname} "$root"/var/{lib/apt,lib/dpkg,cache,log} "$root"/usr/share/{doc,man,info,locale,lintian}
    tar --sort=name --mtime=@0 -C "$root" -cf "$tar.part" .
    mv "$tar.part" "$tar"
  fi
  echo "$tar"
}

# buildah_base: makes the image that replaces debian:trixie-slim in this run's store, and prints its name.
buildah_base() {
  local name=localhost/ticket-platform/base
  if ! buildah_ inspect --type image "$name" >/dev/null 2>&1; then
    mkdir -p "$work/base-context"
    ln "$(base_archive)" "$work/base-context/base.tar"
    buildah_ build --quiet --isolation chroot --timestamp 0 --tag "$name" --file "$here/Containerfile.base" "$work/base-context" >/dev/null
  fi
  echo "$name"
}

# key CONTAINERFILE NAME: a hash of everything that an image is made of; the rest of it comes on standard input. An image whose
# hash exists is not built again.
key() { { cat "$1" "$here/engines.sh" -; echo "$2"; } | sha256sum | cut -c1-12; }

# build_archive NAME TARGET CONTAINERFILE CONTEXT ARCHIVE: takes the build arguments from the array `arguments`.
build_archive() {
  local name=$1 target=$2 containerfile=$3 context=$4 archive=$5 argument flags=()
  say "image $name"
  for argument in "${arguments[@]}"; do flags+=(--build-arg "$argument"); done
  buildah_ build --quiet --isolation chroot --layers --timestamp 0 "${flags[@]}" --target "$target" --tag "$name" \
    --file "$containerfile" "$context" >/dev/null
  rm -f "$archive.part"
  # zstd makes a third of the size, and is faster to write and to import than no compression.
  buildah_ push --quiet --format oci --compression-format zstd --compression-level 1 "$name" "oci-archive:$archive.part:$name"
  find "$images" -name "$(basename "${archive%-*}")-????????????.tar" -mmin +60 -delete # earlier builds of this image
  mv "$archive.part" "$archive"
}

# ---- Docker: its own cache decides what is built again ---------------------------------------------------------------

# build_with_docker NAME TARGET CONTAINERFILE CONTEXT: prints the image's id.
build_with_docker() {
  local argument flags=()
  for argument in "${arguments[@]}"; do flags+=(--build-arg "$argument"); done
  docker build --quiet "${flags[@]}" --target "$2" --tag "$1" --file "$3" "$4"
}
