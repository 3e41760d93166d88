#!/bin/sh
# Runs the given make targets one after another, and prints the seconds of each.
set -eu

times=
trap 'printf "\n| step | seconds |\n|---|---|\n%b" "$times"' EXIT
for target; do
	began=$(date +%s)
	make --no-print-directory "$target"
	times="$times| $target | $(($(date +%s) - began)) |\n"
done
