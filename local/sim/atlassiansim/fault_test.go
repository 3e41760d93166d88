package atlassiansim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
	"github.com/coldfuse/coldfuse/local/wait"
)

func TestFaultValidation(t *testing.T) {
	cases := []struct {
		rule  string
		fault Fault
		field string // empty: valid
	}{
		{"a kind is needed", Fault{}, "kind"},
		{"a kind must be known", Fault{Kind: "flood"}, "kind"},
		{"an operation must be known", Fault{Kind: Hang, Operation: "fly"}, "operation"},
		{"down is for every operation", Fault{Kind: Down, Operation: getThing}, "operation"},
		{"refuse is for every operation", Fault{Kind: Refuse, Operation: getThing}, "operation"},
		{"times are not negative", Fault{Kind: Hang, Times: -1}, "times"},
		{"a delay is not negative", Fault{Kind: Hang, Delay: -1}, "delay_ms"},
		{"a delay is at most 10 minutes", Fault{Kind: Delay, Delay: 10*time.Minute + 1}, "delay_ms"},
		{"delay needs a delay", Fault{Kind: Delay}, "delay_ms"},
		{"status needs a status", Fault{Kind: Status}, "status"},
		{"a status is 200 to 599", Fault{Kind: Status, Status: 600}, "status"},
		{"only status has a status", Fault{Kind: Hang, Status: 500}, "status"},
		{"a body must be known", Fault{Kind: Status, Status: 500, Body: "xml"}, "body"},
		{"only status has a body", Fault{Kind: Down, Body: BodyHTML}, "body"},
		{"only status has Retry-After", Fault{Kind: Reset, RetryAfter: "1"}, "retry_after"},
		{"only status has a reason", Fault{Kind: Reset, RateLimitReason: "x"}, "rate_limit_reason"},
		{"only status has the end of a limit", Fault{Kind: Reset, RateLimitReset: "x"}, "rate_limit_reset"},
		{"only status has a category", Fault{Kind: Reset, FailureCategory: "x"}, "failure_category"},
		{"only status and hostile links have a location", Fault{Kind: Reset, Location: "x"}, "location"},
		{"a list's fault commits nothing", Fault{Kind: ShortPages, AfterCommit: true}, "after_commit"},
		{"a hostile link may have a location", Fault{Kind: HostileNext, Location: "//x"}, ""},
		{"a redirect has a location", Fault{Kind: Status, Status: 302, Location: "https://attacker.invalid/"}, ""},
		{"the token endpoint is an operation", Fault{Kind: Hang, Operation: GetToken}, ""},
		{"an expired token commits nothing", Fault{Kind: ExpiredToken, AfterCommit: true}, "after_commit"},
		{"a status may come after the commit", Fault{Kind: Status, Status: 503, AfterCommit: true}, ""},
		{"any kind may be delayed", Fault{Kind: Reset, Delay: time.Second}, ""},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			got := ""
			err := newStill().Set(c.fault)
			if invalid, ok := errors.AsType[*FieldError](err); ok {
				got = invalid.Field
			} else if err != nil {
				t.Fatal(err)
			}
			if got != c.field {
				t.Errorf("field %q, want %q", got, c.field)
			}
		})
	}
}

func TestStatusFaults(t *testing.T) {
	cases := []struct {
		rule        string
		fault       Fault
		status      int
		contentType string
		body        string // a part of it; empty: no body
	}{
		{"JSON is the default", Fault{Kind: Status, Status: 500}, 500, "application/json;charset=UTF-8", `{"toy":"Simulated: Internal Server Error"}`},
		{"HTML as the edge has it", Fault{Kind: Status, Status: 502, Body: BodyHTML}, 502, "text/html;charset=UTF-8", "<html>"},
		{"no body", Fault{Kind: Status, Status: 503, Body: BodyEmpty}, 503, "", ""},
		{"a login page with 200", Fault{Kind: Status, Status: 200, Body: BodyHTML}, 200, "text/html;charset=UTF-8", "<html>"},
		{"down is 503 in HTML", Fault{Kind: Down}, 503, "text/html;charset=UTF-8", "<html>"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newStill()
			if err := s.Set(c.fault); err != nil {
				t.Fatal(err)
			}
			w := send(s, "GET", "/rest/thing/1", "")
			if w.Code != c.status || w.Header().Get("Content-Type") != c.contentType {
				t.Errorf("%d %s", w.Code, w.Header())
			}
			if !strings.Contains(w.Body.String(), c.body) || (w.Body.Len() == 0) != (c.body == "") {
				t.Errorf("body %s", w.Body)
			}
			if w.Header().Get("atl-traceid") == "" {
				t.Error("no atl-traceid")
			}
			if entry := s.Log()[0]; entry.Fault != c.fault.Kind || entry.Status != c.status {
				t.Errorf("log %+v", entry)
			}
		})
	}
}

func TestHeadersOfFaults(t *testing.T) {
	const reset = "2026-11-03T12:00:07Z" // in 7 seconds
	cases := []struct {
		rule  string
		fault Fault
		want  map[string]string // empty: not there
	}{
		{"a burst", Fault{Status: 429, RetryAfter: "7", RateLimitReason: "jira-burst-based"}, map[string]string{"Retry-After": "7",
			"RateLimit-Reason": "jira-burst-based", "X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset,
			"X-RateLimit-NearLimit": "true", "Beta-RateLimit-Policy": ""}},
		{"writes of an issue", Fault{Status: 429, RateLimitReason: "jira-per-issue-on-write"}, map[string]string{"X-RateLimit-Limit": "20",
			"X-RateLimit-Reset": "", "Retry-After": ""}},
		{"a quota", Fault{Status: 429, RetryAfter: "7", RateLimitReason: "jira-quota-global-based"}, map[string]string{"X-RateLimit-Limit": "65000",
			"Beta-RateLimit-Policy": `"global-app-quota";q=65000;w=3600`, "Beta-RateLimit": `"global-app-quota";r=0;t=7`}},
		{"a date", Fault{Status: 429, RetryAfter: "Tue, 03 Nov 2026 12:00:07 GMT", RateLimitReason: "confluence-quota-tenant-based"},
			map[string]string{"Retry-After": "Tue, 03 Nov 2026 12:00:07 GMT", "X-RateLimit-Reset": reset}},
		{"a zero", Fault{Status: 429, RetryAfter: "0"}, map[string]string{"Retry-After": "0", "X-RateLimit-Limit": ""}},
		{"an end that is given", Fault{Status: 429, RateLimitReset: "soon", RateLimitReason: "jira-burst-based"},
			map[string]string{"X-RateLimit-Reset": "soon"}},
		{"the gateway's own limit", Fault{Status: 429, RateLimitReset: reset, FailureCategory: "FAILURE_CLIENT_RATE_LIMIT"}, map[string]string{
			"X-RateLimit-Reset": reset, "X-Failure-Category": "FAILURE_CLIENT_RATE_LIMIT", "Retry-After": "", "X-RateLimit-Limit": ""}},
		{"a 503 has no limit", Fault{Status: 503, RetryAfter: "7", RateLimitReason: "x"}, map[string]string{"Retry-After": "7", "X-RateLimit-Limit": ""}},
		{"a redirect", Fault{Status: 302, Location: "https://attacker.invalid/"}, map[string]string{"Location": "https://attacker.invalid/"}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newStill()
			c.fault.Kind = Status
			if err := s.Set(c.fault); err != nil {
				t.Fatal(err)
			}
			w := send(s, "GET", "/rest/thing/1", "")
			for name, want := range c.want {
				if got := w.Header().Get(name); w.Code != c.fault.Status || got != want {
					t.Errorf("%d, %s %q, want %q", w.Code, name, got, want)
				}
			}
		})
	}
}

func TestWhichFaultStrikes(t *testing.T) {
	status := func(code, times int, operation Operation) Fault {
		return Fault{Kind: Status, Status: code, Times: times, Operation: operation}
	}
	cases := []struct {
		rule   string
		faults []Fault
		want   []int // of GETs of an issue, one after the other
	}{
		{"without times until healed", []Fault{status(503, 0, "")}, []int{503, 503, 503}},
		{"with times that often", []Fault{status(503, 2, "")}, []int{503, 503, 200}},
		{"the oldest first", []Fault{status(429, 1, ""), status(503, 1, "")}, []int{429, 503, 200}},
		{"its operation", []Fault{status(503, 0, getThing)}, []int{503}},
		{"not another operation", []Fault{status(503, 0, makeThing)}, []int{200}},
		{"the first that is of the operation", []Fault{status(429, 0, makeThing), status(503, 0, getThing)}, []int{503}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newStill()
			for _, f := range c.faults {
				if err := s.Add(f); err != nil {
					t.Fatal(err)
				}
			}
			for n, want := range c.want {
				if got := send(s, "GET", "/rest/thing/1", "").Code; got != want {
					t.Errorf("request %d: %d, want %d", n+1, got, want)
				}
			}
			s.Clear()
			if got := send(s, "GET", "/rest/thing/1", "").Code; got != 200 {
				t.Errorf("healed: %d, want 200", got)
			}
		})
	}
}

func TestBadJSONBreaksSuccessOnly(t *testing.T) {
	s := newStill()
	if err := s.Set(Fault{Kind: BadJSON}); err != nil {
		t.Fatal(err)
	}
	w := send(s, "GET", "/rest/thing/1", "")
	if body := w.Body.String(); w.Code != 200 || !strings.HasPrefix(body, "{") || strings.HasSuffix(body, "}\n") {
		t.Errorf("%d %s", w.Code, body)
	}
	w = send(s, "GET", "/rest/thing/none", "")
	if got := simtest.Read[struct{ Status int }](t, w); w.Code != 404 || got.Status != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestDelayComesFirst(t *testing.T) {
	cases := []struct {
		rule   string
		fault  Fault
		status int
	}{
		{"and then the product answers", Fault{Kind: Delay, Delay: time.Minute}, 201},
		{"and then the fault strikes", Fault{Kind: Status, Status: 503, Delay: time.Minute}, 503},
		{"and the commit before it", Fault{Kind: Delay, Delay: time.Minute, AfterCommit: true}, 201},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newToy(time.Now)
				if err := s.Set(c.fault); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				var w *httptest.ResponseRecorder
				go func() { w = send(s, "POST", "/rest/thing", "{}") }()
				synctest.Wait()
				if early := s.count(0) > 0; early != c.fault.AfterCommit {
					t.Errorf("committed while it waits: %t", early)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if w == nil || w.Code != c.status || time.Since(start) != time.Minute {
					t.Errorf("after %s: %v", time.Since(start), w)
				}
			})
		})
	}
}

// newServer serves over TCP, with a client of its own.
func newServer(t *testing.T) (*toy, *httptest.Server, *http.Client) {
	t.Helper()
	s := newStill()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s, server, &http.Client{Transport: transport}
}

// create posts an issue over TCP.
func create(ctx context.Context, client *http.Client, server *httptest.Server) (int, error) {
	r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/rest/thing", strings.NewReader("{}"))
	if err != nil {
		return 0, err
	}
	r.SetBasicAuth(DefaultEmail, DefaultToken)
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func TestEndedConnections(t *testing.T) {
	cases := []struct {
		rule    string
		fault   Fault
		want    error
		created bool
	}{
		{"a reset before the commit creates nothing", Fault{Kind: Reset}, syscall.ECONNRESET, false},
		{"a reset after the commit has created", Fault{Kind: Reset, AfterCommit: true}, syscall.ECONNRESET, true},
		{"refused creates nothing", Fault{Kind: Refuse}, io.EOF, false},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s, server, client := newServer(t)
			if err := s.Set(c.fault); err != nil {
				t.Fatal(err)
			}
			if _, err := create(t.Context(), client, server); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			await(t, "the request ends", func() bool { return !s.Log()[0].Ended.IsZero() })
			if entry := s.Log()[0]; entry.Status != 0 || (entry.Created != "") != c.created {
				t.Errorf("log %+v", entry)
			}
		})
	}
}

func TestStatusAfterCommitHasCreated(t *testing.T) {
	s, server, client := newServer(t)
	if err := s.Set(Fault{Kind: Status, Status: 504, AfterCommit: true}); err != nil {
		t.Fatal(err)
	}
	status, err := create(t.Context(), client, server)
	if err != nil || status != 504 || s.Log()[0].Created == "" {
		t.Errorf("%d %v, log %+v", status, err, s.Log()[0])
	}
}

func TestHangEnds(t *testing.T) {
	cases := []struct {
		rule    string
		after   bool // of the commit
		release func(s *toy, server *httptest.Server, leave context.CancelFunc)
	}{
		{"when the client leaves", false, func(_ *toy, _ *httptest.Server, leave context.CancelFunc) { leave() }},
		{"when the client leaves, after the commit", true, func(_ *toy, _ *httptest.Server, leave context.CancelFunc) { leave() }},
		{"when it is healed", false, func(s *toy, _ *httptest.Server, _ context.CancelFunc) { s.Clear() }},
		{"when another fault replaces it", false, func(s *toy, _ *httptest.Server, _ context.CancelFunc) { s.Set(Fault{Kind: Down}) }},
		{"when the server closes", false, func(_ *toy, server *httptest.Server, _ context.CancelFunc) { server.Config.Close() }},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s, server, client := newServer(t)
			if err := s.Set(Fault{Kind: Hang, AfterCommit: c.after}); err != nil {
				t.Fatal(err)
			}
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			failed := make(chan error, 1)
			go func() {
				_, err := create(ctx, client, server)
				failed <- err
			}()
			await(t, "the request arrives", func() bool { return len(s.Log()) == 1 })
			if entry := s.Log()[0]; !entry.Ended.IsZero() || entry.Fault != Hang {
				t.Errorf("log %+v", entry)
			}
			await(t, "the commit", func() bool { return (s.count(0) > 0) == c.after })
			c.release(s, server, leave)
			if err := <-failed; err == nil {
				t.Error("answered")
			}
			await(t, "the request ends", func() bool { return !s.Log()[0].Ended.IsZero() })
		})
	}
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	if err := wait.For(t.Context(), 10*time.Second, what, holds); err != nil {
		t.Fatal(err)
	}
}
