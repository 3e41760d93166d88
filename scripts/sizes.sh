#!/usr/bin/env bash
# Compares the deployment packages in build/ with their budgets.
# sizes.sh NAME=BYTES...
set -euo pipefail

over=0
for budget in "$@"; do
    name=${budget%%=*} limit=${budget#*=}
    size=$(($(wc -c <"build/$name.zip")))
    printf '%-12s %9d bytes of %9d\n' "$name" "$size" "$limit"
    if [ "$size" -gt "$limit" ]; then
        echo "build/$name.zip is $((size - limit)) bytes over its budget" >&2
        over=1
    fi
done
exit "$over"
