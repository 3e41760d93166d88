package main

import (
	"slices"
	"strings"
	"testing"
)

func TestUncovered(t *testing.T) {
	const profile = `mode: set
example.com/m/pkg/breaker/machine.go:10.2,11.3 1 1
example.com/m/pkg/breaker/machine.go:12.2,13.3 2 0
example.com/m/pkg/breaker/machine.go:14.2,15.3 1 0
example.com/m/pkg/breaker/machine.go:14.2,15.3 1 1
example.com/m/pkg/breaker/other.go:1.1,2.2 1 0
`
	for rule, c := range map[string]struct {
		file   string
		blocks int
		missed []string
	}{
		"a block that some test ran is covered": {"breaker/machine.go", 3, []string{"12.2,13.3"}},
		"another file's blocks do not count":    {"breaker/other.go", 1, []string{"1.1,2.2"}},
		"an unknown file has none":              {"breaker/none.go", 0, nil},
		"part of a name is no name":             {"chine.go", 0, nil},
	} {
		blocks, missed, err := uncovered(strings.NewReader(profile), c.file)
		if err != nil || blocks != c.blocks || !slices.Equal(missed, c.missed) {
			t.Errorf("%s: %d blocks, missed %v, %v", rule, blocks, missed, err)
		}
	}
	if _, _, err := uncovered(strings.NewReader("a/b.go:what\n"), "b.go"); err == nil {
		t.Error("a broken profile is an error")
	}
}
