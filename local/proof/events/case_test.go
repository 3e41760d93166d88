//go:build linux

package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/local/proof/apicheck"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// eventCase is an entry of a file in events/cases: an event, the state of the
// world when it arrives, and what has to come of it.
type eventCase struct {
	Rule  string `json:"rule"`
	Event string `json:"event"` // file in events/, without .json

	// Before are the events that the function has answered already.
	Before []string `json:"before"`
	// ETag puts the ETag of the answer before into the event's If-Match.
	ETag bool `json:"etag"`
	// Expired: what the events before have stored has expired since.
	Expired bool `json:"expired"`
	// Spaces are put after the body, so many.
	Spaces int `json:"spaces"`

	Jira       *atlassiansim.Fault `json:"jira"`       // what is wrong with Jira
	Confluence *atlassiansim.Fault `json:"confluence"` // likewise
	MongoDB    *databaseFault      `json:"mongodb"`    // likewise
	Open       string              `json:"open"`       // the circuit that is
	Override   string              `json:"override"`   // the circuit that an operator holds open
	Store      string              `json:"store"`      // "away": it cannot be reached

	Status   int               `json:"status"`   // 0: the event is not of HTTP, and body is the whole answer
	Headers  map[string]string `json:"headers"`  // of the answer, among others
	Body     any               `json:"body"`     // must be in the answer's
	Requests *int              `json:"requests"` // that reach Jira or Confluence; null: not looked at
	Log      []map[string]any  `json:"log"`      // what the lines with metrics of the circuits' state must have, in order; null: not looked at
}

// function is the logical id of the function that the event is for.
func (c eventCase) function() string {
	name, _, _ := strings.Cut(c.Event, "-")
	return strings.ToUpper(name[:1]) + name[1:] + "Function"
}

// waits reports whether something never answers.
func (c eventCase) waits() bool {
	hangs := func(f *atlassiansim.Fault) bool { return f != nil && f.Kind == atlassiansim.Hang }
	return hangs(c.Jira) || hangs(c.Confluence) || c.MongoDB != nil && c.MongoDB.Times == 0
}

func readCases(t *testing.T) []eventCase {
	t.Helper()
	files, err := fs.Glob(os.DirFS(root), "events/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of cases, %v", len(files), err)
	}
	var all []eventCase
	for _, file := range files {
		src, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(src))
		decoder.DisallowUnknownFields()
		var cases []eventCase
		if err := decoder.Decode(&cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, cases...)
	}
	return all
}

// invoke is a function's: an event and what it answers.
type invoke func(event []byte) ([]byte, error)

// http is that for an event of HTTP.
func (f invoke) http(event []byte) (answer events.APIGatewayV2HTTPResponse, err error) {
	out, err := f(event)
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	return answer, err
}

// run has the function answer the case's events and checks the last answer.
func (c eventCase) run(t *testing.T, w *world, invoke invoke) {
	t.Helper()
	// Not before the function is compiled: an open circuit is tried again after 30 s.
	open(t, w.circuits, c.Open)
	override(t, w.circuits, c.Override)
	var before events.APIGatewayV2HTTPResponse
	for _, name := range c.Before {
		var err error
		if before, err = invoke.http(readEvent(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	if c.Expired {
		w.expire(t)
	}
	src := c.event(t, before.Headers["Etag"])
	if c.Status == 0 {
		c.checkWhole(t, src, invoke)
		return
	}
	answer, err := invoke.http(src)
	if err != nil {
		t.Fatal(err)
	}
	c.check(t, answer, w.requests())
	described(t, src, answer)
}

// checkWhole invokes where the answer is no HTTP response.
func (c eventCase) checkWhole(t *testing.T, src []byte, invoke invoke) {
	t.Helper()
	out, err := invoke(src)
	if err != nil {
		t.Fatal(err)
	}
	var answer any
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("answered %q: %v", out, err)
	}
	for _, difference := range missing("the answer", c.Body, answer) {
		t.Error(difference)
	}
}

// checkLog compares what the function wrote with what the case wants.
func (c eventCase) checkLog(t *testing.T, log []byte) {
	t.Helper()
	if c.Log == nil {
		return
	}
	var lines []map[string]any
	for text := range bytes.Lines(log) {
		var line map[string]any
		if json.Unmarshal(text, &line) == nil && line["CircuitState"] != nil {
			lines = append(lines, line)
		}
	}
	if len(lines) != len(c.Log) {
		t.Errorf("%d lines tell a circuit's state, want %d", len(lines), len(c.Log))
		return
	}
	for i, want := range c.Log {
		for _, difference := range missing(fmt.Sprintf("line %d", i+1), want, lines[i]) {
			t.Error(difference)
		}
	}
}

var description = sync.OnceValues(func() (*apicheck.Checker, error) { return apicheck.Load(root) })

// described holds an answer against openapi.yaml.
func described(t *testing.T, src []byte, answer events.APIGatewayV2HTTPResponse) {
	t.Helper()
	checker, err := description()
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(src, &event); err != nil {
		t.Fatal(err)
	}
	if err := checker.CheckEvent(event, answer); err != nil {
		t.Error(err)
	}
}

// event is that of the file with what the case changes.
func (c eventCase) event(t *testing.T, etag string) []byte {
	t.Helper()
	src := readEvent(t, c.Event)
	if !c.ETag && c.Spaces == 0 {
		return src
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(src, &event); err != nil {
		t.Fatal(err)
	}
	if c.ETag {
		event.Headers["if-match"] = etag
	}
	event.Body += strings.Repeat(" ", c.Spaces)
	changed, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func readEvent(t *testing.T, name string) []byte {
	t.Helper()
	event, err := os.ReadFile(filepath.Join(root, "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// check compares the answer with what the case wants.
func (c eventCase) check(t *testing.T, answer events.APIGatewayV2HTTPResponse, requests int) {
	t.Helper()
	if answer.StatusCode != c.Status {
		t.Errorf("status %d, want %d", answer.StatusCode, c.Status)
	}
	for name, want := range c.Headers {
		if got := answer.Headers[name]; got == "" || want != "" && got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
	if c.Requests != nil && requests != *c.Requests {
		t.Errorf("%d requests reached the service, want %d", requests, *c.Requests)
	}
	c.checkBody(t, answer)
	if t.Failed() {
		t.Logf("answer: %s", answer.Body)
	}
}

func (c eventCase) checkBody(t *testing.T, answer events.APIGatewayV2HTTPResponse) {
	t.Helper()
	if c.Body == nil {
		return
	}
	var body any
	if err := json.Unmarshal([]byte(answer.Body), &body); err != nil {
		t.Errorf("the body is no JSON: %v", err)
	}
	for _, difference := range missing("body", c.Body, body) {
		t.Error(difference)
	}
	wantType := "application/json"
	object, _ := c.Body.(map[string]any)
	if c.Status >= 400 && object["type"] != nil {
		wantType = "application/problem+json"
	}
	if got := answer.Headers["Content-Type"]; got != wantType {
		t.Errorf("content type %q, want %q", got, wantType)
	}
}

// missing reports what of want is not in got. An empty string stands for any
// that is not empty.
func missing(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		var all []string
		for name, value := range want {
			all = append(all, missing(path+"."+name, value, object[name])...)
		}
		return all
	case []any:
		list, _ := got.([]any)
		if len(list) < len(want) {
			return []string{fmt.Sprintf("%s has %d items, want %d", path, len(list), len(want))}
		}
		var all []string
		for i, value := range want {
			all = append(all, missing(fmt.Sprintf("%s[%d]", path, i), value, list[i])...)
		}
		return all
	}
	if text, ok := got.(string); want == "" && ok && text != "" {
		return nil
	}
	if want != got {
		return []string{fmt.Sprintf("%s is %v, want %v", path, got, want)}
	}
	return nil
}
