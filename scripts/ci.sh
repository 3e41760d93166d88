#!/bin/sh
# Makes the targets given, one after another, and tells what each took.
set -eu

times=
trap 'printf "\n| step | seconds |\n|---|---|\n%b" "$times"' EXIT
for target; do
	began=$(date +%s)
	make --no-print-directory "$target"
	times="$times| $target | $(($(date +%s) - began)) |\n"
done
