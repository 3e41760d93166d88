package breaker

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// row is what an exploration has gone through: a line of a table.
type row struct {
	explored, extent string
	states, steps    int
	schedules        float64
	took             time.Duration
}

func (r *row) add(other row) {
	r.states, r.steps, r.schedules, r.took = r.states+other.states, r.steps+other.steps, r.schedules+other.schedules, r.took+other.took
}

// String is the row in markdown.
func (r row) String() string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %.1f |",
		r.explored, r.extent, grouped(r.states), grouped(r.steps), power(r.schedules), r.took.Seconds())
}

// table prints rows to standard output, if tests are verbose.
type table struct{ sum row }

func newTable() *table {
	if testing.Verbose() {
		fmt.Println("| explored | extent | states | steps | schedules | seconds |\n|---|---|---|---|---|---|")
	}
	return &table{sum: row{explored: "together"}}
}

func (t *table) add(r row) {
	t.sum.add(r)
	if testing.Verbose() {
		fmt.Println(r)
	}
}

func (t *table) end() {
	if testing.Verbose() {
		fmt.Println(t.sum)
	}
}

// grouped writes a number with thousands separators.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

var raised = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// power writes a number as 2.6 · 10¹¹.
func power(x float64) string {
	if x < 1 {
		return "0"
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', 1, 64), "e+")
	return mantissa + " · 10" + raised.Replace(strings.TrimPrefix(exponent, "0"))
}

// extent says what a search that was not cut short has gone through.
func (b bounds) extent() string {
	switch {
	case b.ordered:
		return fmt.Sprintf("complete within %d deviations", b.deviations)
	case b.reduced:
		return "complete, reduced"
	}
	return "complete"
}

// String says the bounds in words.
func (b bounds) String() string {
	words := []string{counted(b.envs, "environment") + " with " + counted(b.calls, "call") + " each"}
	switch faults := b.kinds(); {
	case len(faults) == 0:
		words = append(words, "no faults")
	case b.faults > 0 && b.faults < len(faults):
		words = append(words, "at most "+counted(b.faults, "fault")+" of: "+strings.Join(faults, ", "))
	default:
		words = append(words, "at most one each of: "+strings.Join(faults, ", "))
	}
	if b.ticks == 0 {
		words = append(words, "the clock stands still")
	} else {
		words = append(words, counted(b.ticks, "step")+" of the clock")
	}
	if b.ages {
		words = append(words, "also to the ages of caches")
	}
	if !b.together {
		words = append(words, "replies arrive later than their operations")
	}
	return strings.Join(words, "; ")
}

// kinds names what may go wrong.
func (b bounds) kinds() []string {
	var kinds []string
	for _, k := range []struct {
		most int
		name string
	}{{b.crashes, "crash"}, {b.losses, "lost reply"}, {b.stale, "stale read"}, {b.freezes, "frozen probe"}, {b.operatorActions, "operator"}} {
		if k.most > 0 {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

// counted returns a count with its noun.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
