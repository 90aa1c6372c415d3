# Sourced after environment.sh. Counts tests. A script of tests ends with `report`, whose line "N passed, N failed" is its last.
passed=0 failed=0
test_output=$(mktemp)

# check NAME COMMAND...: counts as one test. The command runs in a subshell, so that nothing it opens or sets stays.
check() {
  local name=$1; shift
  step "$name"
  if ("$@") >"$test_output" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1)); cat "$test_output"; echo "FAILED: $name"
  fi
}

# suite NAME COMMAND...: counts the tests that the command reports, in cargo's "test result:" lines or in the line of `report`.
# A command that fails without a reported failure (it did not build, it crashed) counts as one failure.
suite() {
  local name=$1 good bad status=0; shift
  step "$name"
  "$@" >"$test_output" 2>&1 || status=$?
  read -r good bad < <(awk '/^test result:/ {good += $4; bad += $6} /^[0-9]+ passed, [0-9]+ failed$/ {good += $1; bad += $3} END {print good + 0, bad + 0}' "$test_output")
  if ((status != 0 || bad > 0 || good == 0)); then
    ((bad > 0)) || bad=1
    sed '/^test .* ok$/d' "$test_output" | tail -n 400
    echo "FAILED: $name"
  fi
  passed=$((passed + good)) failed=$((failed + bad))
  echo "$name: $good passed, $bad failed" >&2
}

# report: fails when a test has failed.
report() {
  trap - ERR # every failure was reported above
  reported=yes
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

# report_end: for the script's EXIT trap. A run that ended early has not counted its last failure.
report_end() {
  rm -f "$test_output"
  [[ -n ${reported:-} ]] || echo "$passed passed, $((failed + 1)) failed"
}
