#!/usr/bin/env bash
# Property-based tests of the running API: requests made from openapi.yaml, right
# and wrong ones, against the whole system on free ports. More arguments go to
# schemathesis, such as --include-tag jira or --seed 7.
set -euo pipefail
cd "$(dirname "$0")/.."

python3 scripts/venv.py schemathesis
go -C local build -o ../.cache/bin/coldfuse-local ./cmd/coldfuse-local
mkdir -p .cache/schemathesis
said=.cache/schemathesis/stack.txt
: >"$said" # of the last run it may tell an address too
.cache/bin/coldfuse-local run -listen '' -admin '' -jira '' -confluence '' -log .cache/schemathesis/functions.log \
    -parameter ApiRateLimit=100000 -parameter ApiBurstLimit=100000 >>"$said" 2>&1 &
stack=$!
trap 'kill "$stack" 2>/dev/null; wait "$stack" || true' EXIT

until url=$(sed -n 's|^API  *\(http://[^/]*\)/.*|\1|p' "$said") && [ -n "$url" ]; do
    kill -0 "$stack" 2>/dev/null || { cat "$said" >&2; exit 1; }
    sleep 0.2
done
HYPOTHESIS_STORAGE_DIRECTORY=.cache/schemathesis/hypothesis \
    .cache/venv-schemathesis/bin/schemathesis --config-file scripts/schemathesis.toml run openapi.yaml --url "$url" "$@"
