#!/bin/sh
# Mutates pkg/breaker operator by operator with gremlins and prints, as rows of a
# Markdown table, what no test notices. What scripts/gremlins.txt explains is
# left out; anything else fails the run. It takes some minutes on two idle cores
# (WORKERS sets how many are used); given names of files, as in "gremlins.sh
# machine.go", only those are mutated.
set -eu

gremlins=github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
root=$(cd "$(dirname "$0")/.." && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT TERM

# A copy without the store, which needs a table, and without the random and the
# exhaustive tests: what only these notice lacks a rule of its own.
mkdir -p "$temp/bin" "$temp/module/pkg"
cp "$root/go.mod" "$root/go.sum" "$temp/module"
cp -R "$root/pkg/breaker" "$temp/module/pkg"
cd "$temp/module"
rm -rf pkg/breaker/dynamostore pkg/breaker/explore_*_test.go pkg/breaker/simulate_*_test.go
GOBIN=$temp/bin go install "$gremlins"

# gremlins passes over what Go's coverage does not count, and that counts
# neither constants nor the expressions of cases. So a go command that stands
# before the real one adds to the profile that everything is covered.
mkdir "$temp/shim"
cat >"$temp/shim/go" <<SHIM
#!/bin/sh
"$(command -v go)" "\$@" || exit
[ "\$1" = test ] || exit 0
while [ \$# -gt 1 ] && [ "\$1" != -coverprofile ]; do shift; done
[ \$# -gt 1 ] || exit 0
for file in pkg/breaker/*.go; do
    case \$file in *_test.go) ;; *) echo "github.com/coldfuse/coldfuse/\$file:1.1,99999.1 1 1" >>"\$2" ;; esac
done
SHIM
chmod +x "$temp/shim/go"

set -- "$@" -E memstore/ -E storetest/
if [ "$1" != -E ]; then
    for file in pkg/breaker/*.go; do
        name=${file##*/}
        case "$name $* " in *_test.go\ * | *" $name "*) ;; *) set -- "$@" -E "^$name" ;; esac
    done
    while [ "$1" != -E ]; do shift; done
fi

# The timeout is a multiple of the time that the first run took, which must
# therefore not be a cached one.
PATH=$temp/shim:$PATH GOFLAGS="-count=1 -vet=off '-ldflags=-s -w'" \
    "$temp/bin/gremlins" unleash ./pkg/breaker "$@" --workers "${WORKERS:-2}" --timeout-coefficient 10 \
    --invert-logical --invert-loopctrl --invert-assignments --remove-self-assignments >"$temp/log" || {
    cat "$temp/log" >&2
    exit 1
}
tail -n 4 "$temp/log" >&2

# A survivor is known by its file, its mutation and its line's text with "^"
# before the operator: numbers of lines change with every edit.
awk -v known="$root/scripts/gremlins.txt" '
    BEGIN { while ((getline line < known) > 0) if (line !~ /^(#|$)/) explained[line] = 1 }
    $1 != "LIVED" && $1 != "NOT" { next }
    {
        split($NF, at, ":")
        file = "pkg/breaker/" at[1]
        for (n = 1; n <= at[2]; n++) if ((getline text < file) <= 0) next
        close(file)
        text = substr(text, 1, at[3] - 1) "^" substr(text, at[3])
        sub(/^[ \t]+/, "", text)
        mutation = $(NF - 2)
        if (at[1] " " mutation ": " text in explained) next
        gsub(/\|/, "\\\\|", text) # as a cell of a table wants it
        status = $1 == "NOT" ? "NOT COVERED" : $1
        print "| " at[1] ":" at[2] " | " mutation ": `" text "` | " status " |"
        left++
    }
    END { exit left > 0 }
' "$temp/log"
