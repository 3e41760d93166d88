package chaos

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
)

// figures are the rows of the table in docs/correctness.md, one for each fleet.
var figures struct {
	sync.Mutex
	rows []string
}

// figure adds a row with what the log of a fleet shows.
func (h harness) figure(l fleet.Log, breaches int) {
	s, kills := l.Summary(), 0
	for _, e := range h.Fleet.All() {
		if e.Dead() {
			kills++
		}
	}
	figures.Lock()
	defer figures.Unlock()
	figures.rows = append(figures.rows, fmt.Sprintf("| %s | %d | %.0f | %d | %d | %d | %d | %d | %d | %d | %d | %d |",
		inWords(h.t.Name()), len(h.Fleet.All()), time.Since(h.began).Seconds(), s.Calls, s.FleetProbes, mostProbes(l),
		kills, s.Freezes, s.Losses, s.Openings, s.Closings, breaches))
}

func printFigures() {
	if !testing.Verbose() || len(figures.rows) == 0 {
		return
	}
	slices.Sort(figures.rows)
	fmt.Println("| case | processes | seconds | calls | fleet probes | at once | kills | freezes | losses of the store | openings | closings | breaches |")
	fmt.Println("|---|" + strings.Repeat("--:|", 11))
	fmt.Println(strings.Join(figures.rows, "\n"))
}

var capital = regexp.MustCompile("[A-Z]")

// inWords returns the rule that a test's name is.
func inWords(test string) string {
	test, part, _ := strings.Cut(strings.TrimPrefix(test, "Test"), "/")
	rule := strings.ToLower(strings.TrimSpace(capital.ReplaceAllString(test, " $0")))
	if part != "" {
		rule += ": " + strings.ReplaceAll(part, "_", " ")
	}
	return rule
}

// mostProbes returns the largest number of fleet probes that were at the
// dependency at once, without those of frozen environments. Of probes that
// overlap, one begins last.
func mostProbes(l fleet.Log) (most int) {
	for _, last := range l.Requests {
		together := 0
		for _, r := range l.Requests {
			if r.FleetProbe() && !l.Frozen(r) && !r.Began.After(last.Began) && r.End().After(last.Began) {
				together++
			}
		}
		most = max(most, together)
	}
	return most
}

func TestMostProbes(t *testing.T) {
	for rule, c := range map[string]struct {
		change func(*fleet.Log)
		want   int
	}{
		"one after the other is one": {func(*fleet.Log) {}, 1},
		"two that overlap are two":   {func(l *fleet.Log) { l.Requests[3].Began = l.Requests[2].Began }, 2},
		"one that was frozen is left out": {func(l *fleet.Log) {
			l.Requests[2].Ended = at(10_020)
			l.Freezes["a"] = []fleet.Span{{From: at(5_015), To: at(10_015)}}
		}, 1},
		"one alone is not at once with itself": {func(l *fleet.Log) {
			for i := range l.Requests {
				l.Requests[i].Local = true
			}
		}, 0},
	} {
		l := sound()
		c.change(&l)
		if got := mostProbes(l); got != c.want {
			t.Errorf("%s: %d, want %d", rule, got, c.want)
		}
	}
}

func TestInWords(t *testing.T) {
	for test, want := range map[string]string{
		"TestAFlappingDependency":   "a flapping dependency",
		"TestRandomFaults/seed_12":  "random faults: seed 12",
		"TestABrokenStore/it_hangs": "a broken store: it hangs",
	} {
		if got := inWords(test); got != want {
			t.Errorf("%s: %q", test, got)
		}
	}
}
