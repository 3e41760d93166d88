package atlassiansim

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

// control sends a control request, which needs no credentials.
func control(s *toy, method, path, body string) *httptest.ResponseRecorder {
	return simtest.Serve(s, httptest.NewRequest(method, path, strings.NewReader(body)))
}

func TestControlRefusals(t *testing.T) {
	cases := []struct{ rule, path, body, field string }{
		{"a body is needed", "/_sim/faults", ``, "body"},
		{"a body is JSON", "/_sim/faults", `{"kind":`, "body"},
		{"a body is one object", "/_sim/faults", `{"kind":"hang"} {}`, "body"},
		{"an unknown field is named", "/_sim/faults", `{"kind":"hang","speed":1}`, "speed"},
		{"a field of a wrong type is named", "/_sim/faults", `{"kind":"hang","times":"two"}`, "times"},
		{"a delay of a wrong type is named", "/_sim/faults", `{"kind":"delay","delay_ms":"2s"}`, "delay_ms"},
		{"an unknown kind is named", "/_sim/faults", `{"kind":"flood"}`, "kind"},
		{"a delay does not overflow", "/_sim/faults", `{"kind":"delay","delay_ms":9223372036854775807}`, "delay_ms"},
		{"a negative delay is named", "/_sim/faults", `{"kind":"delay","delay_ms":-1}`, "delay_ms"},
		{"a token is needed", "/_sim/credentials", `{"token":""}`, "token"},
		{"a client's secret is needed", "/_sim/credentials", `{"client_secret":""}`, "client_secret"},
		{"an unknown credential is named", "/_sim/credentials", `{"password":"x"}`, "password"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newStill()
			w := control(s, "PUT", c.path, c.body)
			got := simtest.Read[FieldError](t, w)
			if w.Code != 400 || got.Field != c.field || got.Message == "" {
				t.Errorf("%d %s, want 400 of %s", w.Code, w.Body, c.field)
			}
			if len(s.Faults()) != 0 {
				t.Errorf("faults %v", s.Faults())
			}
		})
	}
}

func TestControlOfFaults(t *testing.T) {
	s := newStill()
	steps := []struct{ method, body, want string }{
		{"GET", ``, `[]`},
		{"PUT", `{"kind":"status","status":503,"retry_after":"5","times":2,"delay_ms":10}`,
			`[{"kind":"status","times":2,"status":503,"retry_after":"5","delay_ms":10}]`},
		{"POST", `{"kind":"hang","operation":"get_thing"}`,
			`[{"kind":"status","times":2,"status":503,"retry_after":"5","delay_ms":10},{"kind":"hang","operation":"get_thing"}]`},
		{"PUT", `{"kind":"down"}`, `[{"kind":"down"}]`},
		{"DELETE", ``, `[]`},
	}
	for _, step := range steps {
		w := control(s, step.method, "/_sim/faults", step.body)
		if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != step.want {
			t.Errorf("%s %s: %d %s\nwant %s", step.method, step.body, w.Code, got, step.want)
		}
	}
}

func TestControlWorksWhileEverythingIsDown(t *testing.T) {
	s := newStill()
	for _, kind := range []string{"down", "refuse"} {
		if w := control(s, "PUT", "/_sim/faults", `{"kind":"`+kind+`"}`); w.Code != 200 {
			t.Fatalf("%s: %d", kind, w.Code)
		}
	}
	if w := control(s, "DELETE", "/_sim/faults", ""); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
	if len(s.Log()) != 0 {
		t.Error("control requests are in the log")
	}
}

func TestControlOfLogCountsCredentialsAndReset(t *testing.T) {
	s := newStill()
	if w := control(s, "PUT", "/_sim/credentials", `{"token":"new"}`); w.Code != 204 {
		t.Fatalf("credentials: %d %s", w.Code, w.Body)
	}
	if got := s.Account(); got != (Credentials{Email: DefaultEmail, Token: "new"}) {
		t.Errorf("credentials %+v", got)
	}
	if w := control(s, "PUT", "/_sim/credentials", `{"client_id":"app","client_secret":"x"}`); w.Code != 204 {
		t.Fatalf("client credentials: %d %s", w.Code, w.Body)
	}
	if _, got := s.account.get(); got != (App{"app", "x"}) {
		t.Errorf("client credentials %+v", got)
	}
	if w := control(s, "GET", "/_sim/things", ""); w.Body.String() != "0\n" {
		t.Errorf("a control call of the product: %d %s", w.Code, w.Body)
	}
	send(s, "GET", "/rest/thing/1", "")
	log := control(s, "GET", "/_sim/log", "").Body.String()
	for _, part := range []string{`"operation":"get_thing"`, `"status":200`, `"identity":"refused"`, `"connection":"192.0.2.1:1234"`} {
		if !strings.Contains(log, part) {
			t.Errorf("no %s in %s", part, log)
		}
	}
	if got := control(s, "GET", "/_sim/counts", "").Body.String(); got != "{\"get_thing\":1}\n" {
		t.Errorf("counts %s", got)
	}
	if w := control(s, "POST", "/_sim/reset", ""); w.Code != 204 || len(s.Log()) != 0 {
		t.Errorf("reset: %d, log %v", w.Code, s.Log())
	}
	if w := control(s, "GET", "/_sim/nothing", ""); w.Code != 404 {
		t.Errorf("an unknown control path: %d", w.Code)
	}
}
