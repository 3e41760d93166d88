package fleet

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

type lines struct{ bytes.Buffer }

func (*lines) Close() error { return nil }

func TestACallGoesToAMemberThatIsFree(t *testing.T) {
	f := &Fleet{}
	for range 20 {
		f.members = append(f.members, &member{lines: &lines{}, pending: map[string]int{}})
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range f.members {
		f.Call("a", random)
	}
	f.Call("b", random)
	for i, m := range f.members {
		if n := m.pending["a"]; n != 1 {
			t.Errorf("member %d has %d calls", i, n)
		}
	}
	f.Call("a", random) // of a fleet that is busy somebody's second
}
