#!/usr/bin/env bash
# Names every missing prerequisite, one line each. Silent where all is there.
set -euo pipefail

missing=0
need() { # what it is, how to have it
    echo "missing: $1 ($2)" >&2
    missing=1
}

at_least() { # wanted found: compares versions
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

go_version=$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
wanted=$(sed -n 's/^go //p' go.mod)
at_least "$wanted" "${go_version:-0}" || need "Go $wanted or newer" "found ${go_version:-none}"

java_version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1 || true)
at_least 17 "${java_version:-0}" || need "Java 17 or newer" "for DynamoDB Local; found ${java_version:-none}"

command -v mvn >/dev/null || need "Maven 3.8 or newer" "fetches DynamoDB Local once"

python3 -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 10)' 2>/dev/null ||
    need "Python 3.10 or newer with venv" "for the SAM CLI and cfn-lint"

exit "$missing"
