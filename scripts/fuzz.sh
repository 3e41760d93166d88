#!/usr/bin/env bash
# Runs every fuzz test of both modules, each for the time given.
# fuzz.sh TIME
set -euo pipefail

for module in . local; do
    go -C "$module" list ./... | while read -r package; do
        # grep fails where a package has none.
        targets=$(go -C "$module" test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
        for target in $targets; do
            echo "$package $target"
            go -C "$module" test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "$package" </dev/null | grep -v '^fuzz: elapsed' || exit 1
        done
    done
done
