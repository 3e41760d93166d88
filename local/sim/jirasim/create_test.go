package jirasim

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

func TestCreateRefusals(t *testing.T) {
	const good = `"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"s"`
	long := strings.Repeat("x", maxDescription+1)
	cases := []struct {
		rule, fields string
		errors       map[string]string
	}{
		{"a project must be given", `"issuetype":{"name":"Task"},"summary":"s"`, map[string]string{"project": "Specify a valid project ID or key"}},
		{"a project must exist", `"project":{"key":"NOPE"},"issuetype":{"name":"Task"},"summary":"s"`,
			map[string]string{"project": "Specify a valid project ID or key"}},
		{"a type must be given", `"project":{"key":"OPS"},"summary":"s"`, map[string]string{"issuetype": "Specify a valid issue type"}},
		{"a type must be the project's", `"project":{"key":"OPS"},"issuetype":{"name":"Epic"},"summary":"s"`,
			map[string]string{"issuetype": "Specify a valid issue type"}},
		{"a summary must be given", `"project":{"key":"OPS"},"issuetype":{"name":"Task"}`,
			map[string]string{"summary": "You must specify a summary of the issue."}},
		{"a summary is not blank", `"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":" "`,
			map[string]string{"summary": "You must specify a summary of the issue."}},
		{"a summary is one line", `"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"a\nb"`,
			map[string]string{"summary": "The summary is invalid because it contains newline characters."}},
		{"a summary has at most 255 characters", `"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"` + strings.Repeat("ü", 256) + `"`,
			map[string]string{"summary": "Summary can't exceed 255 characters."}},
		{"a description is no string", good + `,"description":"text"`, map[string]string{"description": noDocument}},
		{"a description is a document", good + `,"description":{"type":"paragraph"}`, map[string]string{"description": noDocument}},
		{"an environment is a document", good + `,"environment":"text"`, map[string]string{"environment": noDocument}},
		{"a description has at most 32,767 characters", good + `,"description":` + string(paragraph(long)),
			map[string]string{"description": "The entered text is too long. It exceeds the allowed limit of 32,767 characters."}},
		{"a label has no spaces", good + `,"labels":["a b"]`, map[string]string{"labels": "The label 'a b' contains spaces which is invalid."}},
		{"labels are a list", good + `,"labels":"a"`, map[string]string{"labels": "data was not an array"}},
		{"a priority must exist", good + `,"priority":{"name":"Nope"}`, map[string]string{"priority": "Specify a valid 'id' or 'name' for Priority"}},
		{"a sub-task has a parent", `"project":{"key":"OPS"},"issuetype":{"name":"Sub-task"},"summary":"s"`,
			map[string]string{"issuetype": "Issue type is a sub-task but parent issue key or id not specified."}},
		{"a parent is in the project", `"project":{"key":"OPS"},"issuetype":{"name":"Sub-task"},"summary":"s","parent":{"key":"WEB-1"}`,
			map[string]string{"parent": "Could not find valid 'id' or 'key' for Parent"}},
		{"a field must be on the screen", good + `,"colour":"red"`,
			map[string]string{"colour": "Field 'colour' cannot be set. It is not on the appropriate screen, or unknown."}},
		{"all errors are told at once", `"project":{"key":"OPS"},"issuetype":{"name":"Task"},"labels":"a"`, map[string]string{
			"summary": "You must specify a summary of the issue.", "labels": "data was not an array"}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newSimulator()
			w := send(s, "POST", "/rest/api/3/issue", `{"fields":{`+c.fields+`}}`)
			got := simtest.Read[errorCollection](t, w)
			if w.Code != 400 || !maps.Equal(got.Fields, c.errors) || got.Messages == nil {
				t.Errorf("%d %s\nwant 400 %v", w.Code, w.Body, c.errors)
			}
			if s.Log()[0].Created != "" {
				t.Error("created all the same")
			}
		})
	}
}

func TestCreateRefusesBodies(t *testing.T) {
	cases := []struct{ rule, body, message string }{
		{"a body must be JSON", `{`, malformedBody},
		{"a document must be right inside", `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"s",
			"description":{"type":"doc","version":1,"content":[{"type":"text","text":"x"}]}}}`, badDocument},
		{"a property has a key", `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"s"},"properties":[{"value":1}]}`,
			invalidBody},
		{"update is beyond the simulator", `{"update":{"labels":[{"add":"x"}]}}`,
			"The simulator does not know 'update' and 'transition' here."},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			w := send(newSimulator(), "POST", "/rest/api/3/issue", c.body)
			got := simtest.Read[errorCollection](t, w)
			if w.Code != 400 || len(got.Messages) != 1 || got.Messages[0] != c.message {
				t.Errorf("%d %s, want 400 %s", w.Code, w.Body, c.message)
			}
		})
	}
}

func TestCreatedIssueIsKept(t *testing.T) {
	s := newSimulator()
	body := fmt.Sprintf(`{"fields":{"project":{"id":"10000"},"issuetype":{"id":10004},"parent":{"key":"OPS-1"},"summary":"Part",
		"description":%s,"labels":["a","b"],"priority":{"id":"1"},"customfield_10001":"x","duedate":null},
		"properties":[{"key":"idem","value":{"k":1}}],"update":{}}`, paragraph("Details"))
	w := send(s, "POST", "/rest/api/3/issue", body)
	created := simtest.Read[struct{ ID, Key, Self string }](t, w)
	if w.Code != 201 || created.ID != "10121" || created.Key != "OPS-61" || created.Self != "http://example.com/rest/api/3/issue/10121" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	got := simtest.Read[struct {
		Properties map[string]map[string]int
		Fields     struct {
			Summary     string
			Description node
			Labels      []string
			Priority    struct{ Name string }
			Parent      struct{ Key string }
			Custom      string `json:"customfield_10001"`
			Created     string
		}
	}](t, send(s, "GET", "/rest/api/3/issue/"+created.ID+"?properties=idem,other", ""))
	f := got.Fields
	if f.Summary != "Part" || fmt.Sprint(f.Labels) != "[a b]" || f.Priority.Name != "Highest" || f.Parent.Key != "OPS-1" || f.Custom != "x" {
		t.Errorf("fields %+v", f)
	}
	if f.Description.Content[0].Content[0].Text != "Details" {
		t.Errorf("description %+v", f.Description)
	}
	if f.Created != "2026-11-03T12:00:00.000+0000" {
		t.Errorf("created %s", f.Created)
	}
	if len(got.Properties) != 1 || got.Properties["idem"]["k"] != 1 {
		t.Errorf("properties %v", got.Properties)
	}
}

func TestDocuments(t *testing.T) {
	cases := []struct {
		rule, content string
		want          string
	}{
		{"an empty document is one", ``, ""},
		{"text stands in a paragraph", `{"type":"paragraph","content":[{"type":"text","text":"x"}]}`, ""},
		{"text does not stand alone", `{"type":"text","text":"x"}`, badDocument},
		{"text is not empty", `{"type":"paragraph","content":[{"type":"text","text":""}]}`, badDocument},
		{"a node must be known", `{"type":"marquee"}`, badDocument},
		{"a list holds items", `{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph"}]}]}`, ""},
		{"a list holds nothing else", `{"type":"bulletList","content":[{"type":"paragraph"}]}`, badDocument},
		{"a list is not empty", `{"type":"bulletList"}`, badDocument},
		{"a heading has a level", `{"type":"heading","attrs":{"level":2}}`, ""},
		{"a level is 1 to 6", `{"type":"heading","attrs":{"level":7}}`, badDocument},
		{"a heading needs its level", `{"type":"heading"}`, badDocument},
		{"a mark must be known", `{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"blink"}]}]}`, badDocument},
		{"a link has a target", `{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"link"}]}]}`, badDocument},
		{"code may be a link", `{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"code"},{"type":"link","attrs":{"href":"https://example.com"}}]}]}`, ""},
		{"code is not strong", `{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"code"},{"type":"strong"}]}]}`, badDocument},
		{"a code block has no marks", `{"type":"codeBlock","content":[{"type":"text","text":"x","marks":[{"type":"em"}]}]}`, badDocument},
		{"a table holds rows of cells", `{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"paragraph"}]}]}]}`, ""},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			if got := judgeDocument([]byte(`{"type":"doc","version":1,"content":[` + c.content + `]}`)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCreateScreenWithoutLabels(t *testing.T) {
	const issue = `{"fields":{"project":{"key":"NOL"},"issuetype":{"name":"Task"},"summary":"s"%s},"properties":[{"key":"idem","value":{"k":"1"}}]}`
	s := newSimulator()
	w := send(s, "POST", "/rest/api/3/issue", fmt.Sprintf(issue, `,"labels":["idem-1"]`))
	want := map[string]string{"labels": "Field 'labels' cannot be set. It is not on the appropriate screen, or unknown."}
	if got := simtest.Read[errorCollection](t, w); w.Code != 400 || !maps.Equal(got.Fields, want) {
		t.Errorf("with labels: %d %s", w.Code, w.Body)
	}
	if w := send(s, "POST", "/rest/api/3/issue", fmt.Sprintf(issue, "")); w.Code != 201 {
		t.Fatalf("without: %d %s", w.Code, w.Body)
	}
	found := simtest.Read[results](t, send(s, "POST", "/rest/api/3/search/jql",
		`{"jql":"project = NOL AND created >= -1d","fields":["labels"],"properties":["idem"]}`))
	if len(found.Issues) != 1 || fmt.Sprint(found.Issues[0].Properties) != "map[idem:map[k:1]]" {
		t.Errorf("found %+v", found)
	}
}

func TestCreatedLabelIsFoundAfterTheLag(t *testing.T) {
	clock := simtest.NewClock()
	s := New(atlassiansim.Options{Lag: func() time.Duration { return 4 * time.Second }, Now: clock.Now})
	if w := send(s, "POST", "/rest/api/3/issue", strings.Replace(createTask, `"tls"`, `"idem-0123456789abcdef"`, 1)); w.Code != 201 {
		t.Fatal(w.Code, w.Body)
	}
	for _, want := range []int{0, 1} {
		found := simtest.Read[results](t, send(s, "POST", "/rest/api/3/search/jql",
			`{"jql":"project = OPS AND labels = \"idem-0123456789abcdef\" AND created >= -1d","fields":["summary"]}`))
		if len(found.Issues) != want {
			t.Errorf("found %d, want %d", len(found.Issues), want)
		}
		clock.Advance(4 * time.Second)
	}
}

func TestIssueProperty(t *testing.T) {
	s := newSimulator()
	send(s, "POST", "/rest/api/3/issue", `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"s"},"properties":[{"key":"a/b","value":[1]}]}`)
	cases := []struct {
		rule, path string
		status     int
		body       string // a part of it
	}{
		{"has a key and a value", "OPS-61/properties/a%2Fb", 200, `{"key":"a/b","value":[1]}`},
		{"must be there", "OPS-61/properties/c", 404, `{"errorMessages":["The property with key 'c' does not exist."]`},
		{"is an issue's", "OPS-99/properties/c", 404, noIssue},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			if w := send(s, "GET", "/rest/api/3/issue/"+c.path, ""); w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.body)
			}
		})
	}
}
