#!/usr/bin/env bash
# Builds what runs: out/controller (with the console), out/agent, out/cli, out/demo (with lab). Shows progress; quiet where all is well.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '  · %s\n' "$*" >&2; }
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
}

say "building the console"
[ -d console/node_modules ] && [ console/node_modules -nt console/package-lock.json ] || quietly npm --prefix console ci --no-audit --no-fund
quietly npm --prefix console run build
for part in src/Controller:controller src/Agent:agent src/Cli:cli scenarios:demo; do
  say "building ${part#*:}"
  quietly dotnet publish "${part%%:*}" -c Release -o "out/${part#*:}" --nologo -v q
done
rm -rf out/controller/wwwroot
cp -r console/dist out/controller/wwwroot
