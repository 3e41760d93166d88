package stack

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/jirasim"
	"github.com/coldfuse/coldfuse/local/wait"
)

// An environment that dies with Jira's commit behind it and the record of it
// before it leaves one issue, which the same key finds.
func TestAKilledCreateIsFoundByItsKey(t *testing.T) {
	// A time-out at which the lease of a create ends while a test waits.
	s := newStack(t, Config{Parameters: quick("JiraTryTimeout", "4", "JiraFunctionTimeout", "6")})
	setJira(t, s, atlassiansim.Fault{Kind: atlassiansim.Hang, Operation: jirasim.CreateIssue, AfterCommit: true, Times: 1})
	first := make(chan int, 1)
	go func() {
		status, _, err := create(t, s)
		if err != nil {
			status = -1
		}
		first <- status
	}()
	if err := wait.For(t.Context(), 5*time.Second, "the issue", func() bool { return len(created(s)) == 1 }); err != nil {
		t.Fatal(err)
	}
	if s.Kill() == 0 {
		t.Fatal("nothing was killed")
	}
	if status := <-first; status < 500 {
		t.Fatalf("the killed call was answered %d", status)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		status, answer, err := create(t, s)
		if err != nil {
			t.Fatal(err)
		}
		if status == http.StatusCreated {
			if !strings.Contains(answer, `"key":"`+created(s)[0]+`"`) {
				t.Errorf("got %s, want the issue %s", answer, created(s)[0])
			}
			break
		}
		if status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Fatalf("%d %s", status, answer)
		}
	}
	if keys := created(s); len(keys) != 1 {
		t.Errorf("%d issues: %v", len(keys), keys)
	}
}

func create(t *testing.T, s *Stack) (int, string, error) {
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/api/v1/jira/issues",
		strings.NewReader(`{"project_key":"OPS","issue_type":"Task","summary":"Fuse blown"}`))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Idempotency-Key", "fuse-1")
	return exchange(r)
}

// created are the keys of the issues that the simulator made.
func created(s *Stack) []string {
	var keys []string
	for _, r := range s.Jira.Log() {
		if r.Created != "" {
			keys = append(keys, r.Created)
		}
	}
	return keys
}
