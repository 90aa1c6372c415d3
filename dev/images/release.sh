# Sourced. The files that belong to a version: migrations, the definition of the search index, the tables of the change feed.

workspace_version() { sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$repository/Cargo.toml"; }

# assemble_release TO [OVERLAY...]: copies the release of this checkout to TO, then the files of each overlay over it.
assemble_release() {
  local to=$1 kind overlay
  shift
  for kind in before after; do
    mkdir -p "$to/migrations/$kind"
    find "$repository/migrations/$kind" -name '*.sql' -exec cp -t "$to/migrations/$kind" {} +
  done
  cp "$repository/migrations/feed.json" "$repository/services/search/index.json" "$to/"
  for overlay in "$@"; do cp -r "$overlay/." "$to/"; done
}

# release_files IMAGE CONTEXT: names and hashes of the files that go into the image.
release_files() {
  case $1 in
    migrate) (cd "$2" && find release -type f -print0 | sort -z | xargs -0 sha256sum) ;;
    search) (cd "$2" && sha256sum release/index.json) ;;
  esac
}
