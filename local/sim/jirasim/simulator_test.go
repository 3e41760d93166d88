package jirasim

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

// newSimulator has a clock that stands still and no lag.
func newSimulator() *Simulator {
	return New(atlassiansim.Options{Lag: atlassiansim.NoLag, Now: simtest.NewClock().Now})
}

// newRequest is one with good credentials.
func newRequest(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth(atlassiansim.DefaultEmail, atlassiansim.DefaultToken)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func send(s *Simulator, method, path, body string) *httptest.ResponseRecorder {
	return simtest.Serve(s, newRequest(method, path, body))
}

const createTask = `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"Renew the certificate","labels":["tls"]}}`

func TestRoutes(t *testing.T) {
	cases := []struct {
		rule, method, path string
		status             int
		operation          atlassiansim.Operation
	}{
		{"an unknown path is 404", "GET", "/rest/api/3/nothing", 404, atlassiansim.Other},
		{"a wrong method is 405", "DELETE", "/rest/api/3/issue/OPS-1", 405, atlassiansim.Other},
		{"the removed search is 410", "GET", "/rest/api/3/search", 410, RemovedSearch},
		{"the removed search is 410 for POST too", "POST", "/rest/api/3/search", 410, RemovedSearch},
		{"a key is one segment", "GET", "/rest/api/3/issue/OPS-1/x", 404, atlassiansim.Other},
		{"an empty key is no key", "GET", "/rest/api/3/issue/", 404, atlassiansim.Other},
		{"an escaped slash stays in the key", "GET", "/rest/api/3/issue/OPS%2F1", 404, GetIssue},
		{"the gateway has the same calls", "GET", "/ex/jira/" + atlassiansim.DefaultCloudID + "/rest/api/3/issue/OPS-1", 200, GetIssue},
		{"the gateway knows its site only", "GET", "/ex/jira/other/rest/api/3/issue/OPS-1", 404, GetIssue},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newSimulator()
			w := send(s, c.method, c.path, "")
			if w.Code != c.status {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if got := s.Log()[0].Operation; got != c.operation {
				t.Errorf("operation %s, want %s", got, c.operation)
			}
			if w.Header().Get("atl-traceid") == "" {
				t.Error("no atl-traceid")
			}
		})
	}
}

func TestLinksNameTheAddressThatWasAsked(t *testing.T) {
	s := newSimulator()
	w := send(s, "GET", "/ex/jira/"+atlassiansim.DefaultCloudID+"/rest/api/3/issue/OPS-1?fields=id", "")
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	w = send(s, "GET", "/ex/jira/"+atlassiansim.DefaultCloudID+"/rest/api/3/issue/OPS-1?fields=key", "")
	got := simtest.Read[struct{ Self string }](t, w).Self
	if want := "http://example.com/ex/jira/" + atlassiansim.DefaultCloudID + "/rest/api/3/issue/10001"; got != want {
		t.Errorf("self %s, want %s", got, want)
	}
}

func TestSeedIsTheSameEveryTime(t *testing.T) {
	dump := func() string {
		return send(newSimulator(), "POST", "/rest/api/3/search/jql", `{"jql":"created > 2000-01-01","fields":["*all"]}`).Body.String()
	}
	if first, second := dump(), dump(); first != second {
		t.Error("two simulators differ")
	}
}

func TestLogTellsWhatArrived(t *testing.T) {
	s := newSimulator()
	send(s, "POST", "/rest/api/3/issue", createTask)
	anonymous := httptest.NewRequest("GET", "/rest/api/3/serverInfo", nil)
	simtest.Serve(s, anonymous)

	log := s.Log()
	if len(log) != 2 {
		t.Fatalf("%d requests, want 2", len(log))
	}
	now := simtest.NewClock().Now()
	want := atlassiansim.Request{Time: now, Ended: now, Method: "POST", Path: "/rest/api/3/issue", Operation: CreateIssue,
		Status: 201, Identity: atlassiansim.Accepted, Created: "OPS-61", Connection: "192.0.2.1:1234"}
	if log[0] != want {
		t.Errorf("got %+v\nwant %+v", log[0], want)
	}
	if log[1].Identity != atlassiansim.Anonymous || log[1].Operation != GetServerInfo {
		t.Errorf("got %+v", log[1])
	}
	if counts := s.Counts(); counts[CreateIssue] != 1 || counts[GetServerInfo] != 1 {
		t.Errorf("counts %v", counts)
	}
}

func TestResetMakesEverythingAsAtTheStart(t *testing.T) {
	s := newSimulator()
	send(s, "POST", "/rest/api/3/issue", createTask)
	s.Rotate(atlassiansim.Credentials{Email: "a@example.com", Token: "b"})
	if err := s.Set(atlassiansim.Fault{Kind: atlassiansim.Down}); err != nil {
		t.Fatal(err)
	}
	s.Reset()
	if len(s.Faults()) != 0 || len(s.Log()) != 0 || len(s.Counts()) != 0 {
		t.Errorf("faults %v, log %v, counts %v", s.Faults(), s.Log(), s.Counts())
	}
	if w := send(s, "GET", "/rest/api/3/issue/OPS-60", ""); w.Code != 200 {
		t.Errorf("an issue of the start: %d", w.Code)
	}
	if w := send(s, "GET", "/rest/api/3/issue/OPS-61", ""); w.Code != 404 {
		t.Errorf("a created issue: %d", w.Code)
	}
}

func TestConcurrentCreatesGetKeysOfTheirOwn(t *testing.T) {
	const each, clients = 20, 8
	s := newSimulator()
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				send(s, "POST", "/rest/api/3/issue", createTask)
				send(s, "POST", "/rest/api/3/search/jql", `{"jql":"labels = tls"}`)
				s.Log()
			}
		})
	}
	wg.Wait()
	var keys []string
	for _, r := range s.Log() {
		if r.Created != "" {
			keys = append(keys, r.Created)
		}
	}
	slices.Sort(keys)
	if n := len(slices.Compact(keys)); n != each*clients {
		t.Errorf("%d different keys, want %d", n, each*clients)
	}
}
