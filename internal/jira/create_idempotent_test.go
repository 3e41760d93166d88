package jira

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	circuits "github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// first returns one request a fate and lets all others work.
func first(f fate) func(int) fate {
	return func(n int) fate {
		if n == 1 {
			return f
		}
		return works
	}
}

func slowly() time.Duration { return 5 * time.Second }

// The fault matrix: each fault of one request, before and after Jira has made
// the issue, and the same request again.
func TestEveryOutcomeOfARequestMakesOneIssue(t *testing.T) {
	g := newGuard(t)
	gone := 30 * time.Second // longer than any try
	for rule, c := range map[string]struct {
		fate    fate
		first   int // status of the first answer
		again   int // and of the second, right after it
		settled int // and of one 11 minutes later; 0: the same as again
	}{
		"it works":                          {works, 201, 201, 0},
		"it is not dialled":                 {fate{unsent: true}, 201, 201, 0},
		"a reset before the commit":         {fate{status: -1}, 503, 503, 201},
		"a reset after the commit":          {fate{commit: true, status: -1}, 201, 201, 0},
		"a timeout before the commit":       {fate{delay: gone}, 503, 503, 201},
		"a timeout after the commit":        {fate{commit: true, delay: gone}, 201, 201, 0},
		"a commit after the timeout":        {fate{commit: true, after: 6 * time.Second, delay: gone}, 201, 201, 0},
		"a commit long after all searches":  {fate{commit: true, after: time.Minute, delay: gone}, 503, 503, 201},
		"408 before the commit":             {fate{status: 408, body: `{}`}, 503, 503, 201},
		"408 after the commit":              {fate{commit: true, status: 408, body: `{}`}, 201, 201, 0},
		"429":                               {fate{status: 429, body: `{}`}, 201, 201, 0},
		"500 before the commit":             {fate{status: 500, body: `{}`}, 503, 503, 201},
		"500 after the commit":              {fate{commit: true, status: 500, body: `{}`}, 201, 201, 0},
		"502 before the commit":             {fate{status: 502, body: `{}`}, 503, 503, 201},
		"502 after the commit":              {fate{commit: true, status: 502, body: `<html>`}, 201, 201, 0},
		"503 before the commit":             {fate{status: 503, body: `{}`}, 503, 503, 201},
		"503 after the commit":              {fate{commit: true, status: 503, body: `<html>`}, 201, 201, 0},
		"504 before the commit":             {fate{status: 504, body: `{}`}, 503, 503, 201},
		"504 after the commit":              {fate{commit: true, status: 504, body: `<html>`}, 201, 201, 0},
		"JSON that breaks off with the 201": {fate{commit: true, body: `{"id":"1","ke`}, 201, 201, 0},
		"a 201 without a key":               {fate{commit: true, body: `{}`}, 201, 201, 0},
		"a rejected issue":                  {fate{status: 400, body: `{"errorMessages":["no"]}`}, 400, 201, 0},
		"rejected credentials":              {fate{status: 401, body: ``}, 502, 201, 0},
		"a permission that is missing":      {fate{status: 403, body: `{"errorMessages":["no"]}`}, 403, 201, 0},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.post, w.lag = first(c.fate), slowly
				one := w.environment(g, -1).create(t)
				if one.status != c.first || one.replayed {
					t.Errorf("the first: %+v", one)
				}
				again := w.environment(g, -1).create(t)
				if again.status != c.again || again.status == 201 && again.replayed != (one.status == 201) {
					t.Errorf("again: %+v", again)
				}
				if one.status == 503 {
					checkUnknown(t, one)
					checkUnknown(t, again)
				}
				time.Sleep(11 * time.Minute)
				last := w.environment(g, -1).create(t)
				if last.status != cmp.Or(c.settled, c.again) || last.key != "OPS-1" || len(w.keys()) != 1 {
					t.Errorf("in the end: %+v, issues %v", last, w.keys())
				}
				if c.fate == works && w.posts != 1 {
					t.Errorf("%d requests", w.posts)
				}
			})
		})
	}
}

// checkUnknown: an outcome that is not known is said to be so, with what finds
// the issue.
func checkUnknown(t *testing.T, r reply) {
	t.Helper()
	checkUnknownFor(t, r, 15)
}

func checkUnknownFor(t *testing.T, r reply, wait int) {
	t.Helper()
	if r.Type != "outcome-unknown" || !*r.Retryable || r.RetryAfterSeconds != wait || !strings.Contains(r.Detail, `labels = "idem-`) {
		t.Errorf("%+v", r.Problem)
	}
}

// A create and what is then asked about it are one operation.
func TestACreateIsOneFailure(t *testing.T) {
	down := func(int) fate { return fate{status: 503, body: `{}`} }
	for rule, c := range map[string]struct {
		search   func(int) fate
		keys     []string // of the creates, in turn
		state    breaker.State
		failures int
		wait     int // that the last answer asks for
	}{
		"its look-up fails too":                       {down, []string{"a"}, breaker.Closed, 1, 15},
		"its look-up is answered":                     {func(int) fate { return works }, []string{"a"}, breaker.Closed, 1, 15},
		"four leave the circuit closed":               {down, []string{"a", "b", "c", "d"}, breaker.Closed, 4, 15},
		"the fifth opens it, and says until when":     {down, []string{"a", "b", "c", "d", "e"}, breaker.Open, 5, 30},
		"a repetition waits for the circuit":          {down, []string{"a", "b", "c", "d", "e", "a"}, breaker.Open, 5, 29},
		"a repetition that searches first is another": {down, []string{"a", "a"}, breaker.Closed, 2, 15},
	} {
		t.Run(rule, func(t *testing.T) {
			circuit, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: Circuit}, Store: circuits.New(), Classify: atlassian.Classify(false)})
			if err != nil {
				t.Fatal(err)
			}
			g := newGuardOf(t, circuit)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.post, w.search = down, c.search
				e := w.environment(g, -1)
				var last reply
				for _, key := range c.keys {
					last = e.createAs(t, key, newIssueBody)
				}
				checkUnknownFor(t, last, c.wait)
				stats, err := circuit.Stats(t.Context())
				if err != nil || stats.State != c.state || stats.FailureCount != c.failures {
					t.Errorf("%+v, %v", stats, err)
				}
				if w.looked == 0 && c.state == breaker.Closed {
					t.Error("nothing was looked for")
				}
			})
		})
	}
}

func TestNothingIsSentAgainWithinTenMinutes(t *testing.T) {
	g := newGuard(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.post = func(int) fate { return fate{status: -1} }
		began := time.Now()
		w.environment(g, -1).create(t)
		for time.Since(began) < 9*time.Minute {
			w.environment(g, -1).create(t)
			time.Sleep(time.Minute)
		}
		if w.posts != 1 {
			t.Errorf("%d requests", w.posts)
		}
		time.Sleep(2 * time.Minute)
		w.environment(g, -1).create(t)
		if w.posts != 2 {
			t.Errorf("%d requests after 10 minutes", w.posts)
		}
	})
}

// A label may be off a project's create screen.
func TestOneIssueWhereLabelsAreNotOnTheScreen(t *testing.T) {
	g := newGuard(t)
	for rule, c := range map[string]struct {
		second       fate // of the request without the label
		first, again int
		final        int
		issues       int
	}{
		"it works":                              {works, 201, 201, 201, 1},
		"a reset after the commit":              {fate{commit: true, status: -1}, 201, 201, 201, 1},
		"a reset before it is never sent again": {fate{status: -1}, 503, 503, 502, 0},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.noPage, w.lag = true, slowly
				w.post = func(n int) fate {
					if n == 2 {
						return c.second
					}
					return works
				}
				for i, want := range []int{c.first, c.again, c.final, c.final} {
					if got := w.environment(g, -1).create(t); got.status != want {
						t.Errorf("call %d: %+v", i+1, got)
					}
					if i == 1 {
						time.Sleep(11 * time.Minute)
					}
				}
				if len(w.keys()) != c.issues || w.posts != 2 {
					t.Errorf("issues %v, %d requests", w.keys(), w.posts)
				}
			})
		})
	}
}

// An environment may be killed at any point. The next call finds the truth.
func TestOneIssueThoughTheEnvironmentIsKilled(t *testing.T) {
	g := newGuard(t)
	for _, noPage := range []bool{false, true} {
		for life := 1; life <= 6; life++ {
			t.Run(fmt.Sprintf("screen without labels %v, after %d operations", noPage, life), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					w.noPage, w.lag = noPage, slowly
					w.environment(g, life).create(t)
					made := len(w.keys())
					second := w.environment(g, -1).create(t)
					if made == 1 && (second.status != 201 || second.key != "OPS-1") {
						t.Errorf("the issue is not found: %+v", second)
					}
					time.Sleep(11 * time.Minute)
					last := w.environment(g, -1).create(t)
					if len(w.keys()) > 1 || last.status == 201 && last.key != "OPS-1" || last.status != 201 && !noPage {
						t.Errorf("%+v, issues %v", last, w.keys())
					}
				})
			})
		}
	}
}

func TestFiftyCallsAtOnceMakeOneIssue(t *testing.T) {
	g := newGuard(t)
	for rule, f := range map[string]fate{
		"it works":                 {commit: true, delay: time.Second},
		"a reset after the commit": {commit: true, delay: time.Second, status: -1},
		"a reset before it":        {delay: time.Second, status: -1},
		"a rejected issue":         {delay: time.Second, status: 400, body: `{}`},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.post, w.lag = first(f), slowly
				var calls sync.WaitGroup
				var mu sync.Mutex
				statuses := map[int]int{}
				for range 50 {
					calls.Go(func() {
						got := w.environment(g, -1).create(t)
						mu.Lock()
						defer mu.Unlock()
						statuses[got.status]++
						if got.status == 201 && got.key != "OPS-1" || got.status == 503 && !*got.Retryable {
							t.Errorf("%+v", got)
						}
					})
				}
				calls.Wait()
				if len(w.keys()) > 1 || w.posts > 2 || f.commit && statuses[201] != 50 {
					t.Errorf("issues %v, %d requests, %v", w.keys(), w.posts, statuses)
				}
			})
		})
	}
}

func TestAnIssueThatIsFoundIsTheOldest(t *testing.T) {
	g := newGuard(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.post = first(fate{commit: true, status: -1})
		w.environment(g, 2).create(t)              // killed after the request
		w.issues[0].mark = json.RawMessage("null") // the label is enough
		w.issues = append(w.issues, &made{key: "OPS-99", labels: w.issues[0].labels, mark: json.RawMessage("{}"), at: time.Now(), seen: time.Now()})
		if got := w.environment(g, -1).create(t); got.key != "OPS-1" {
			t.Errorf("%+v", got)
		}
	})
}

func TestAForgottenKeysIssueIsNotTakenForANewOne(t *testing.T) {
	g := newGuard(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.environment(g, -1).create(t)
		time.Sleep(25 * time.Hour)
		w.post = func(n int) fate { return fate{commit: true, status: -1} }
		if got := w.environment(g, -1).create(t); got.key != "OPS-2" {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheKeysRules(t *testing.T) {
	g := newGuard(t)
	other := strings.Replace(newIssueBody, `"s"`, `"t"`, 1)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		e := w.environment(g, -1)
		e.create(t)
		if got := e.createAs(t, "k", other); got.status != http.StatusConflict || got.Type != "idempotency-mismatch" || *got.Retryable {
			t.Errorf("another issue under the key: %+v", got)
		}
		if got := e.createAs(t, "k", "{ \"summary\":\"s\",\n\"issue_type\":\"Task\",\"project_key\":\"OPS\"}"); !got.replayed {
			t.Errorf("the same issue written otherwise: %+v", got)
		}
		if got := e.createAs(t, "K", other); got.key != "OPS-2" || got.replayed {
			t.Errorf("another key: %+v", got)
		}
		for _, bad := range []string{"", " ", "a\tb", " a", "ü", strings.Repeat("x", 256), "a\x7f"} {
			if got := e.createAs(t, bad, newIssueBody); got.status != 400 || got.Field != "Idempotency-Key" {
				t.Errorf("key %q: %+v", bad, got)
			}
		}
		for _, good := range []string{"x", `"quoted"`, "a b", strings.Repeat("x", 255)} {
			if got := e.createAs(t, good, newIssueBody); got.status != 201 {
				t.Errorf("key %q: %+v", good, got)
			}
		}
	})
}

func TestWithoutRecordsNothingIsSent(t *testing.T) {
	g := newGuard(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		e := w.environment(g, -1)
		e.dead = true
		got := e.create(t)
		if got.status != 503 || got.Type != "idempotency-unavailable" || !*got.Retryable || got.RetryAfterSeconds == 0 || w.posts != 0 {
			t.Errorf("%+v, %d requests", got, w.posts)
		}
	})
}

// Random worlds: requests, records and environments break at random for five
// minutes, clients repeat what they are told to. Never is there a second issue,
// never is another answered, and once nothing breaks any more there is one.
func TestOneIssueInRandomWorlds(t *testing.T) {
	g := newGuard(t)
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) { randomWorld(t, g, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
