#!/usr/bin/env bash
# Mutation testing of src/Policy: changes its source in one small place at a time, and says which changes Policy.Tests does not notice.
# scripts/mutate.sh [--count N] [--seed N] [--minutes N] [--files TEXT]; docs/testing.md explains it. The source itself is not touched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1

for project in tests/Policy.Tests tests/Mutation; do
  dotnet build "$project" -c Release --nologo -v quiet -maxcpucount:1 >&2
done

# The sources that the build makes for the engine: global usings, attributes, and what the JSON and regex generators write.
made=src/Policy/obj/mutation
rm -rf "$made"
mkdir -p "$made"
dotnet build src/Policy -c Release --nologo -v quiet --no-incremental -maxcpucount:1 \
  -p:EmitCompilerGeneratedFiles=true -p:CompilerGeneratedFilesOutputPath="obj/mutation" >&2
cp src/Policy/obj/Release/net10.0/Bulkhead.Policy.{AssemblyInfo,GlobalUsings.g}.cs "$made"

exec nice tests/Mutation/bin/Release/net10.0/mutation run "$PWD" "$@"
