#!/usr/bin/env bash
# Builds what runs: out/controller (with the console), out/agent, out/cli, out/demo (with lab). Shows progress; quiet where all is well.
# Usage: scripts/build.sh [console|controller|agent|cli|demo|bench]...   (default: all but bench)
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
publish() { quietly dotnet publish "$1" -c Release -o "out/$2" --nologo -v q; }

[ $# -gt 0 ] || set -- console controller agent cli demo
for part in "$@"; do
  say "building $part"
  case $part in
    console)
      [ -d console/node_modules ] && [ console/node_modules -nt console/package-lock.json ] || quietly npm --prefix console ci --no-audit --no-fund
      quietly npm --prefix console run build
      rm -rf out/controller/wwwroot
      mkdir -p out/controller
      cp -r console/dist out/controller/wwwroot
      ;;
    controller) publish src/Controller controller ;;
    agent) publish src/Agent agent ;;
    cli) publish src/Cli cli ;;
    demo) publish scenarios demo ;;
    bench) publish bench bench ;;
    *) echo "build: no part '$part'" >&2; exit 2 ;;
  esac
done
