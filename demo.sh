#!/usr/bin/env bash
# Bulkhead's demo: a small company in network namespaces of this machine, an agent on every host, a controller and its console.
#   ./demo.sh            everything up; prints the console's address and a one-time password; Ctrl-C takes everything down
#   ./demo.sh --check    the whole story unattended: each step a line ok or FAILED
set -euo pipefail
cd "$(dirname "$0")"

problems=()
[ "$(id -u)" = 0 ] || problems+=("The demo makes network namespaces and cgroups, so it runs as root: sudo ./demo.sh $*")
if ! command -v dotnet >/dev/null || ! dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
  problems+=("The .NET 10 SDK is missing: https://learn.microsoft.com/dotnet/core/install/linux")
fi
if ! command -v node >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -lt 20 ]; then
  problems+=("Node 20 or newer is missing, which builds the console: https://nodejs.org/en/download")
fi
command -v npm >/dev/null || problems+=("npm is missing, which builds the console; it comes with Node: https://nodejs.org/en/download")
if [ ${#problems[@]} -gt 0 ]; then
  printf 'demo: %s\n' "${problems[@]}" >&2
  exit 1
fi

scripts/install-packages.sh
scripts/build.sh
exec out/demo/bulkhead-demo "$@"
