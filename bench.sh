#!/usr/bin/env bash
# ./bench.sh NAME [--quick]: builds what is measured and measures it. Progress goes to standard error; the last line of
# standard output is one JSON object with the figures. docs/benchmarks.md and docs/performance.md explain them.
set -euo pipefail
cd "$(dirname "$0")"

case ${1:-} in
  compile | evaluate)
    # The policy engine alone: no namespaces, no agents, so neither root nor packages.
    scripts/build.sh bench
    ;;
  agent | apply | tamper)
    [ "$(id -u)" = 0 ] || { echo "bench: it makes network namespaces, so it runs as root: sudo ./bench.sh $*" >&2; exit 1; }
    scripts/install-packages.sh bench >&2
    scripts/build.sh agent bench
    ;;
  chaos)
    [ "$(id -u)" = 0 ] || { echo "bench: it mounts a small disk to fill, so it runs as root: sudo ./bench.sh $*" >&2; exit 1; }
    scripts/install-packages.sh bench >&2
    scripts/build.sh controller bench
    ;;
  *)
    [ "$(id -u)" = 0 ] || { echo "bench: it makes network namespaces, so it runs as root: sudo ./bench.sh $*" >&2; exit 1; }
    scripts/install-packages.sh bench >&2
    scripts/build.sh controller agent cli bench
    ;;
esac
exec out/bench/bench "$@"
