#!/usr/bin/env bash
# Builds everything once and runs every test suite; see CONTRIBUTING.md. `./test.sh NAME…` runs the named suites only.
# The last line sums all suites up. The exit code is 0 only if every suite ran and no test failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 2

readonly suite_limit=600 # seconds; a suite that takes longer hangs
readonly logs=$PWD/TestResults
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1

passed=0 failed=0 skipped=0
only=("$@")

say() { printf '%s\n' "$*"; }

need() { # need COMMAND REMEDY
  command -v "$1" >/dev/null && return
  say "test.sh: $1 is missing. $2"
  exit 2
}

chosen() { # chosen NAME…: whether one of them runs
  local name
  for name in "$@"; do
    [[ ${#only[@]} -eq 0 || " ${only[*]} " == *" $name "* ]] && return
  done
  return 1
}

# Runs a command with its output in a log, and shows the log's end if it fails.
logged() { # logged LOG COMMAND…
  local log=$logs/$1.log status
  shift
  timeout --kill-after=10 "$suite_limit" "$@" >"$log" 2>&1 </dev/null
  status=$?
  if ((status != 0)); then
    tail -n 60 "$log" | sed 's/^/    /'
    ((status == 124 || status == 137)) && say "    stopped after $suite_limit s"
    say "    all of it: ${log#"$PWD"/}"
  fi
  return "$status"
}

# Adds a suite's counts. One that ended badly without a failed test, or ran no test at all, counts as a failed one.
count() { # count NAME STATUS PASSED FAILED SKIPPED
  local fails=$4
  (($2 != 0 && fails == 0 || $3 + fails + $5 == 0)) && fails=$((fails + 1))
  passed=$((passed + $3)) failed=$((failed + fails)) skipped=$((skipped + $5))
  local mark=ok
  ((fails > 0)) && mark=FAILED
  printf '%-7s%-20s %5d passed, %d failed, %d skipped, %d s\n' "$mark" "$1" "$3" "$fails" "$5" $((SECONDS - began))
}

begin() {
  began=$SECONDS
  say "       $1 …"
}

# A step that either works or does not: one test.
step() { # step NAME COMMAND…
  begin "$1"
  if logged "$@"; then count "$1" 0 1 0 0; else count "$1" 1 0 1 0; fi
}

attribute() { # attribute NAME ELEMENT
  sed -n "s/.*[ <]$1=\"\([0-9]*\)\".*/\1/p" <<<"$2"
}

dotnet_suite() { # dotnet_suite PROJECT
  local name counters total executed passes status
  name=$(basename "$(dirname "$1")")
  begin "$name"
  logged "$name" dotnet test "$1" --no-build -c Release --results-directory "$logs" --logger "trx;LogFileName=$name.trx"
  status=$?
  counters=$(grep -o '<Counters [^>]*>' "$logs/$name.trx" 2>/dev/null)
  total=$(attribute total "$counters") executed=$(attribute executed "$counters") passes=$(attribute passed "$counters")
  count "$name" "$status" "${passes:-0}" $((${executed:-0} - ${passes:-0})) $((${total:-0} - ${executed:-0}))
}

vitest_suite() {
  local report=$logs/console-unit.json status totals
  begin console-unit
  logged console-unit npm --prefix console test -- --reporter=default --reporter=json --outputFile.json="$report"
  status=$?
  totals=$(node -e 'const r = JSON.parse(fs.readFileSync(process.argv[1])); console.log(r.numPassedTests, r.numFailedTests, r.numPendingTests + r.numTodoTests)' "$report" 2>/dev/null)
  # shellcheck disable=SC2086 # three numbers
  count console-unit "$status" ${totals:-0 0 0}
}

demo_suite() {
  local status totals
  begin demo
  logged demo ./demo.sh --check
  status=$?
  totals=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$logs/demo.log" | tail -n 1)
  # shellcheck disable=SC2086 # two numbers
  count demo "$status" ${totals:-0 0} 0
}

# Random policies on real agents and kernels, with a fixed seed; a disagreement ends it with exit code 1. docs/benchmarks.md explains it.
matrix() { step matrix ./bench.sh matrix --quick --seed 20261122; }

# Controllers and databases killed under load, with a fixed seed; whatever is lost or counted twice ends it with exit code 1.
chaos() { step chaos ./bench.sh chaos --quick --seed 20261122; }

need dotnet "Install the .NET 10 SDK: https://dotnet.microsoft.com/download/dotnet/10.0"
need node "Install Node.js 20 or newer: https://nodejs.org"
need npm "It comes with Node.js: https://nodejs.org"
if ((EUID != 0)); then
  say "test.sh: the system tests make network namespaces and load firewall rules into them, which takes root. Run: sudo ./test.sh"
  exit 2
fi

mapfile -t projects < <(find tests -mindepth 2 -maxdepth 2 -name '*.Tests.csproj' | sort)
dotnet_suites=()
for project in "${projects[@]}"; do dotnet_suites+=("$(basename "$(dirname "$project")")"); done
suites=(console-check console-unit console-build "${dotnet_suites[@]}" matrix chaos demo)
for name in ${only[@]+"${only[@]}"}; do
  if [[ " ${suites[*]} " != *" $name "* ]]; then
    say "test.sh: there is no suite '$name'. There are: ${suites[*]}"
    exit 2
  fi
done

rm -rf "$logs"
mkdir -p "$logs"
step packages scripts/install-packages.sh test
if chosen console-check console-unit console-build Console.Tests demo; then
  step console-install npm --prefix console ci --no-audit --no-fund
  chosen console-check && step console-check npm --prefix console run check
  chosen console-unit && vitest_suite
  step console-build npm --prefix console run build
fi
chosen "${dotnet_suites[@]}" && step build dotnet build Bulkhead.slnx -c Release
for project in "${projects[@]}"; do
  chosen "$(basename "$(dirname "$project")")" && dotnet_suite "$project"
done
chosen matrix && matrix
chosen chaos && chaos
chosen demo && demo_suite

say
say "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
