//go:build linux

package rie

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/local/jirasim"
)

// eventCase is an entry of events/cases.json: an event, the state of the world
// when it arrives, and what has to come of it.
type eventCase struct {
	Rule  string `json:"rule"`
	Event string `json:"event"` // file in events/, without .json

	Jira    *jirasim.Fault `json:"jira"`    // what is wrong with Jira
	Circuit string         `json:"circuit"` // "open": that of Jira is
	Store   string         `json:"store"`   // "away": it cannot be reached

	Status   int  `json:"status"`
	Body     any  `json:"body"`     // must be in the answer's
	Requests *int `json:"requests"` // that reach Jira; null: not looked at
}

// function is the logical id of the function that the event is for.
func (c eventCase) function() string {
	name, _, _ := strings.Cut(c.Event, "-")
	return strings.ToUpper(name[:1]) + name[1:] + "Function"
}

func readCases(t *testing.T) []eventCase {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root, "events", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(src))
	decoder.DisallowUnknownFields()
	var cases []eventCase
	if err := decoder.Decode(&cases); err != nil {
		t.Fatal("events/cases.json: ", err)
	}
	return cases
}

// check compares the answer with what the case wants.
func (c eventCase) check(t *testing.T, answer events.APIGatewayV2HTTPResponse, requests int) {
	t.Helper()
	if answer.StatusCode != c.Status {
		t.Errorf("status %d, want %d", answer.StatusCode, c.Status)
	}
	var body any
	if err := json.Unmarshal([]byte(answer.Body), &body); err != nil {
		t.Errorf("the body is no JSON: %v", err)
	}
	for _, difference := range missing("body", c.Body, body) {
		t.Error(difference)
	}
	if c.Requests != nil && requests != *c.Requests {
		t.Errorf("%d requests reached Jira, want %d", requests, *c.Requests)
	}
	wantType := "application/json"
	object, _ := c.Body.(map[string]any)
	if object["type"] != nil {
		wantType = "application/problem+json"
	}
	if got := answer.Headers["Content-Type"]; got != wantType {
		t.Errorf("content type %q, want %q", got, wantType)
	}
	if t.Failed() {
		t.Logf("answer: %s", answer.Body)
	}
}

// missing tells what of want is not in got. An empty string stands for any
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
