package confluencesim

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBodies(t *testing.T) {
	cases := []struct {
		rule, id, query string
		format          string // empty: no body
		has, hasNot     string
	}{
		{"without a format there is no body", "200001", "", "", "", ""},
		{"storage has macros", "200001", "?body-format=storage", "storage", `<ac:structured-macro ac:name="code"`, "confluenceTable"},
		{"storage has no addresses", "200002", "?body-format=storage", "storage", `<ri:page ri:space-key="DOC"`, "/wiki/"},
		{"a view has blocks", "200001", "?body-format=view", "view", `class="confluenceTable"`, "<ac:"},
		{"a view's links are relative to the site", "200002", "?body-format=view", "view", `href="/wiki/spaces/DOC/pages/200001/`, "http://example.com"},
		{"a view's images too", "200001", "?body-format=view", "view", `src="/wiki/download/attachments/200001/`, "http://example.com"},
		{"an export's links are absolute", "200002", "?body-format=export_view", "export_view", `href="http://example.com/wiki/spaces/DOC/`, `href="/wiki`},
		{"a styled view is a document", "200001", "?body-format=styled_view", "styled_view", "<style>", `src="/wiki`},
		{"a document has the text", "200001", "?body-format=atlas_doc_format", "atlas_doc_format", `{"content":[{"content":[{"text":`, "<p>"},
		{"a body may be hostile", HostilePage, "?body-format=view", "view", "<script>", ""},
	}
	s := newSimulator()
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			got := read[struct {
				ID   string
				Body map[string]struct{ Representation, Value string }
			}](t, get(s, "/wiki/api/v2/pages/"+c.id+c.query))
			body, ok := got.Body[c.format]
			if got.ID != c.id || ok != (c.format != "") || body.Representation != c.format {
				t.Fatalf("got %+v", got)
			}
			if !strings.Contains(body.Value, c.has) || c.hasNot != "" && strings.Contains(body.Value, c.hasNot) {
				t.Errorf("want %s and not %s in %s", c.has, c.hasNot, body.Value)
			}
		})
	}
}

func TestHugePageIsMoreThanAMegabyte(t *testing.T) {
	if n := get(newSimulator(), "/wiki/api/v2/pages/"+HugePage+"?body-format=storage").Body.Len(); n < hugeBody || n > 2*hugeBody {
		t.Errorf("%d bytes", n)
	}
}

func TestPageTellsWhereItIs(t *testing.T) {
	got := read[struct {
		SpaceID, ParentID, ParentType, Status string
		Version                               struct{ Number int }
		Links                                 struct{ WebUI, Base string } `json:"_links"`
	}](t, get(newSimulator(), gateway+"/wiki/api/v2/pages/200006"))
	want := got
	want.SpaceID, want.ParentID, want.ParentType, want.Status, want.Version.Number = "65537", "200001", "page", "current", 2
	want.Links.WebUI, want.Links.Base = "/spaces/DOC/pages/200006/Price+list%3A+runbook+1", "http://example.com/wiki"
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTextOfTags(t *testing.T) {
	cases := []struct{ rule, view, want string }{
		{"tags are blanks", "<p>a</p><p>b</p>", " a  b "},
		{"entities are read", "a &amp; b &lt;c&gt;", "a & b <c>"},
		{"a tag without an end ends the text", "a <b", "a "},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			if got := (content{view: c.view}).text(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDocumentOfNothingIsEmpty(t *testing.T) {
	if got := (content{}).document(); !json.Valid([]byte(got)) || got != `{"content":[],"type":"doc","version":1}` {
		t.Errorf("got %s", got)
	}
}
