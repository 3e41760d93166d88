package creates

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/jirasim"
)

// invocation is time for a create and two searches for its result, and for
// two seconds in which nothing is sent any more.
const invocation = 7 * time.Second

// The fault matrix: each fault of one create, before and after Jira has made
// the issue. Then the invocation is repeated: at once where the first knew what
// had become of it, and else when a search that finds nothing is believed.
func TestFaultMatrix(t *testing.T) {
	type row struct {
		fault atlassiansim.Fault
		known bool // the first call knows
	}
	matrix := map[string]row{
		"no fault":                          {atlassiansim.Fault{}, true},
		"a reset before the commit":         {atlassiansim.Fault{Kind: atlassiansim.Reset}, false},
		"a reset after the commit":          {atlassiansim.Fault{Kind: atlassiansim.Reset, AfterCommit: true}, true},
		"a timeout before the commit":       {atlassiansim.Fault{Kind: atlassiansim.Hang}, false},
		"a timeout after the commit":        {atlassiansim.Fault{Kind: atlassiansim.Hang, AfterCommit: true}, true},
		"a late answer":                     {atlassiansim.Fault{Kind: atlassiansim.Delay, Delay: 500 * time.Millisecond, AfterCommit: true}, true},
		"JSON that breaks off in the 201":   {atlassiansim.Fault{Kind: atlassiansim.BadJSON}, true},
		"429 with a wait":                   {atlassiansim.Fault{Kind: atlassiansim.Status, Status: 429, RetryAfter: "1", RateLimitReason: "jira-burst-based"}, true},
		"429 that is an hour's":             {atlassiansim.Fault{Kind: atlassiansim.Status, Status: 429, RetryAfter: "1", RateLimitReason: "jira-quota-global-based"}, true},
		"400":                               {atlassiansim.Fault{Kind: atlassiansim.Status, Status: 400}, true},
		"credentials that are not accepted": {atlassiansim.Fault{Kind: atlassiansim.ExpiredToken}, true},
	}
	for _, status := range []int{408, 500, 502, 503, 504} {
		for _, after := range []bool{false, true} {
			rule := strconv.Itoa(status) + map[bool]string{false: " before the commit", true: " after the commit"}[after]
			matrix[rule] = row{atlassiansim.Fault{Kind: atlassiansim.Status, Status: status, Body: "html", AfterCommit: after}, after}
		}
	}
	for rule, c := range matrix {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.fault.Kind != "" {
				c.fault.Operation, c.fault.Times = jirasim.CreateIssue, 1
				if err := w.sim.Add(c.fault); err != nil {
					t.Fatal(err)
				}
			}
			first := w.create(w.environment(w.jira.URL, nil), "OPS", invocation)
			if unknown := first.Type == "urn:coldfuse:problem:outcome-unknown"; unknown == c.known {
				t.Errorf("the first: %+v", first)
			}
			if !c.known {
				w.ahead.Store(int64(11 * time.Minute))
			}
			again := w.create(w.environment(w.jira.URL, nil), "OPS", invocation)
			if again.Status != http.StatusCreated || again.Replayed != (first.Status == http.StatusCreated) {
				t.Errorf("again: %+v", again)
			}
			w.mustHaveOne(first, again)
		})
	}
}

func TestAJiraThatCannotBeDialled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.create(w.environment(away(t), nil), "OPS", invocation)
	if first.Type != "urn:coldfuse:problem:upstream-unavailable" {
		t.Errorf("%+v", first)
	}
	w.mustHaveOne(w.create(w.environment(w.jira.URL, nil), "OPS", invocation))
}

func TestFiftyCallsAtOnce(t *testing.T) {
	for rule, fault := range map[string]atlassiansim.Fault{
		"no fault":                   {Kind: atlassiansim.Delay, Delay: 300 * time.Millisecond},
		"a timeout after the commit": {Kind: atlassiansim.Hang, AfterCommit: true},
		"a 500 after the commit":     {Kind: atlassiansim.Status, Status: 500, AfterCommit: true},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			fault.Operation, fault.Times = jirasim.CreateIssue, 1
			if err := w.sim.Add(fault); err != nil {
				t.Fatal(err)
			}
			replies := make([]reply, 50)
			environments := make([]http.Handler, 10)
			for i := range environments {
				environments[i] = w.environment(w.jira.URL, nil)
			}
			var calls sync.WaitGroup
			for i := range replies {
				e := environments[i%len(environments)]
				calls.Go(func() { replies[i] = w.create(e, "OPS", invocation) })
			}
			calls.Wait()
			for _, r := range replies {
				if r.Status != http.StatusCreated {
					t.Errorf("%+v", r)
				}
			}
			w.mustHaveOne(replies...)
		})
	}
}

// An environment that is killed has written nothing more. The next one waits
// until its lease has ended, and finds the issue.
func TestAnEnvironmentThatIsKilledAfterTheRequest(t *testing.T) {
	for project, lostFrom := range map[string]int32{"OPS": 2, "NOL": 3} { // without labels on the screen there is a write more
		t.Run(project, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create(w.environment(w.jira.URL, &network{loseFrom: lostFrom}), project, 3*time.Second)
			again := w.create(w.environment(w.jira.URL, nil), project, invocation)
			if again.Status != http.StatusCreated || !again.Replayed {
				t.Errorf("%+v", again)
			}
			w.mustHaveOne(again, w.create(w.environment(w.jira.URL, nil), project, invocation))
		})
	}
}

func TestAProjectWithoutLabelsOnItsScreen(t *testing.T) {
	for rule, c := range map[string]struct {
		fault  atlassiansim.Fault
		issues int
		last   int
	}{
		"no fault":                  {atlassiansim.Fault{}, 1, 201},
		"a reset after the commit":  {atlassiansim.Fault{Kind: atlassiansim.Reset, AfterCommit: true}, 1, 201},
		"a reset before the commit": {atlassiansim.Fault{Kind: atlassiansim.Reset}, 0, 502}, // and never sent again
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.fault.Kind != "" {
				// The first request is rejected for its label, the second is struck.
				c.fault.Operation, c.fault.Times = jirasim.CreateIssue, 1
				refused := atlassiansim.Fault{Kind: atlassiansim.Delay, Delay: time.Millisecond, Operation: jirasim.CreateIssue, Times: 1}
				if err := w.sim.Set(refused, c.fault); err != nil {
					t.Fatal(err)
				}
			}
			first := w.create(w.environment(w.jira.URL, nil), "NOL", invocation)
			w.ahead.Store(int64(11 * time.Minute))
			last := w.create(w.environment(w.jira.URL, nil), "NOL", invocation)
			if last.Status != c.last || len(w.made()) != c.issues || w.sim.Counts()[jirasim.CreateIssue] != 2 {
				t.Errorf("%+v, then %+v, issues %v", first, last, w.made())
			}
		})
	}
}

func TestATableThatIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.create(w.environment(w.jira.URL, &network{}), "OPS", invocation)
	if got.Status != http.StatusServiceUnavailable || got.Type != "urn:coldfuse:problem:idempotency-unavailable" || len(w.sim.Log()) != 0 {
		t.Errorf("%+v, %d requests", got, len(w.sim.Log()))
	}
}
