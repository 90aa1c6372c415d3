# Sourced by the commands of dev/. Names the step and a remedy when a command fails, and builds programs.
source "$(dirname "${BASH_SOURCE[0]}")/places.sh"
# The instance that `make up` brings up; others run beside it.
instance=${TICKET_INSTANCE:-ticket}

# step TEXT: a progress line. A command that fails after it is reported under its name.
step() { current_step=$*; say "$@"; }

# hint TEXT: what to do when the present step fails.
hint() { current_hint=$*; }

failed() {
  printf '\nFAILED: %s\n' "${current_step:-$0}" >&2
  [[ -z ${current_hint:-} ]] || printf 'What to do: %s\n' "$current_hint" >&2
}
trap failed ERR
set -E
# Without this, a command that fails inside $(…) is ignored.
shopt -s inherit_errexit

# All programs of the workspace, for development. Always the whole workspace: another selection turns on other features of
# the same dependencies, and cargo then builds them twice.
build_programs() {
  "$repository/dev/packages"
  cargo build --quiet --locked --workspace --bins
}

# Optimised programs for the benchmark and for the long run of testing/history. One selection for both, for the same reason.
build_optimised() {
  "$repository/dev/packages"
  cargo build --quiet --locked --release -p booking -p event-management -p search -p bench -p history
}
