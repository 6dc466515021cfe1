#!/bin/sh
# ./bench.sh NAME [--quick]: builds what is measured and measures it. Progress goes to standard error; the last line of
# standard output is one JSON object with the figures. docs/benchmarks.md explains them.
set -eu
cd "$(dirname "$0")"
for project in src/Agent src/Controller bench; do
  dotnet build "$project" -c Release -v quiet --nologo >&2
done
exec bench/bin/Release/net10.0/bench \
  --agent src/Agent/bin/Release/net10.0/bulkhead-agent --controller src/Controller/bin/Release/net10.0/bulkhead-controller "$@"
