package properties

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// A failure's time is in its id. An id of another form has the time 0, so that it
// never counts.
func FuzzFailureID(f *testing.F) {
	f.Add("1700000000000#abc#1f", int64(7), "e", uint64(3))
	f.Add("", int64(0), "", uint64(0))
	f.Add("99999999999999999999#e#1", int64(-1), "#", uint64(1))
	f.Add("+5#e#1", int64(5), "e#e", uint64(1))
	f.Fuzz(func(t *testing.T, id string, at int64, environment string, n uint64) {
		own := breaker.FailureID(fmt.Sprintf("%d#%s#%x", at, environment, n))
		if own.At() != at {
			t.Errorf("%q is of %d", own, own.At())
		}
		got := breaker.FailureID(id).At()
		first := strings.SplitN(id, "#", 2)[0]
		if got != 0 && strconv.FormatInt(got, 10) != strings.TrimLeft(strings.TrimPrefix(first, "+"), "0") && !negative(first, got) {
			t.Errorf("%q is of %d", id, got)
		}
	})
}

func negative(text string, n int64) bool {
	digits, minus := strings.CutPrefix(text, "-")
	return minus && n < 0 && strings.TrimLeft(digits, "0") == strings.TrimPrefix(strconv.FormatInt(n, 10), "-")
}
