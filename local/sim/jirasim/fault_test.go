package jirasim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

func TestFaultsOfCreates(t *testing.T) {
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, after the commit: %t", status, after), func(t *testing.T) {
				s := newSimulator()
				if err := s.Set(atlassiansim.Fault{Kind: atlassiansim.Status, Status: status, AfterCommit: after, Operation: CreateIssue, Times: 1}); err != nil {
					t.Fatal(err)
				}
				w := send(s, "POST", "/rest/api/3/issue", createTask)
				if created := len(s.store.all()) > seedIssues; w.Code != status || created != after || (s.Log()[0].Created != "") != after {
					t.Errorf("%d, created: %t, log %+v", w.Code, created, s.Log()[0])
				}
				if got := simtest.Read[errorCollection](t, w); len(got.Messages) != 1 {
					t.Errorf("body %s", w.Body)
				}
			})
		}
	}
}

func TestHalfAnAnswerToACreateHasCreated(t *testing.T) {
	s := newSimulator()
	if err := s.Set(atlassiansim.Fault{Kind: atlassiansim.BadJSON}); err != nil {
		t.Fatal(err)
	}
	w := send(s, "POST", "/rest/api/3/issue", createTask)
	if w.Code != 201 || strings.HasSuffix(w.Body.String(), "}\n") || s.Log()[0].Created != "OPS-61" {
		t.Errorf("%d %s, log %+v", w.Code, w.Body, s.Log()[0])
	}
}

func TestFaultsOfListsHideNothing(t *testing.T) {
	_, want := pages(t, newSimulator(), map[string]any{"jql": "project = OPS", "fields": []string{"key"}, "maxResults": 25}, func() {})
	cases := []struct {
		rule  string
		kind  atlassiansim.Kind
		sizes string
	}{
		{"an empty page comes before each", atlassiansim.EmptyPage, "[0 25 0 25 0 10]"},
		{"pages are short", atlassiansim.ShortPages, ""},
		{"the last token comes back", atlassiansim.RepeatToken, "[25 25 10]"},
		{"isLast is missing", atlassiansim.NoIsLast, "[25 25 10]"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newSimulator()
			if err := s.Set(atlassiansim.Fault{Kind: c.kind}); err != nil {
				t.Fatal(err)
			}
			sizes, keys := pages(t, s, map[string]any{"jql": "project = OPS", "fields": []string{"key"}, "maxResults": 25}, func() {})
			if !slices.Equal(keys, want) || c.sizes != "" && fmt.Sprint(sizes) != c.sizes || slices.Max(sizes) > 25 {
				t.Errorf("%d issues, pages of %v", len(keys), sizes)
			}
		})
	}
}

func TestSearchWithoutIsLast(t *testing.T) {
	s := newSimulator()
	if err := s.Set(atlassiansim.Fault{Kind: atlassiansim.NoIsLast}); err != nil {
		t.Fatal(err)
	}
	if got := send(s, "POST", "/rest/api/3/search/jql", `{"jql":"key = OPS-1"}`).Body.String(); got != `{"issues":[{"id":"10001"}]}`+"\n" {
		t.Errorf("got %s", got)
	}
}

func TestFaultsOfProjects(t *testing.T) {
	cases := []struct {
		rule string
		kind atlassiansim.Kind
		want string // a part of the body
	}{
		{"a link may lead astray", atlassiansim.HostileNext, `"nextPage":"https://attacker.invalid/rest/api/3/project/search?maxResults=2&startAt=2"`},
		{"pages may be short", atlassiansim.ShortPages, `"total":3`},
		{"no empty page", atlassiansim.EmptyPage, `"isLast":false`},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newSimulator()
			if err := s.Set(atlassiansim.Fault{Kind: c.kind}); err != nil {
				t.Fatal(err)
			}
			got := send(s, "GET", "/rest/api/3/project/search?maxResults=2", "").Body.String()
			if !strings.Contains(got, c.want) || !strings.Contains(got, `"key":"NOL"`) {
				t.Errorf("got %s", got)
			}
		})
	}
	s := newSimulator()
	if err := s.Set(atlassiansim.Fault{Kind: atlassiansim.NoIsLast}); err != nil {
		t.Fatal(err)
	}
	if got := send(s, "GET", "/rest/api/3/project/search?maxResults=2", "").Body.String(); strings.Contains(got, "isLast") {
		t.Errorf("got %s", got)
	}
}
