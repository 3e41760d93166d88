package confluencesim

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

// hits is a page of a search.
type hits struct {
	Results []struct {
		Title, Excerpt, URL, EntityType, LastModified string
		Content                                       *struct {
			ID, Type, Title string
			Space           *struct{ Key string }
			Expandable      struct{ Space string } `json:"_expandable"`
		}
		Space                 *struct{ Key string }
		ResultGlobalContainer *struct{ Title, DisplayURL string }
	}
	Limit, Size, TotalSize int
	CQLQuery               string
}

func find(t *testing.T, s *Simulator, cql, more string) hits {
	t.Helper()
	return read[hits](t, get(s, "/wiki/rest/api/search?cql="+url.QueryEscape(cql)+more))
}

func TestCQLFinds(t *testing.T) {
	cases := []struct {
		rule, cql string
		count     int
		first     string // title
	}{
		{"a type", "type = page", 140, "Login: runbook 22"},
		{"another type", "type = space order by title", 3, "Documentation"},
		{"a space by key", "type = page AND space = DOC", 88, "Login: runbook 22"},
		{"spaces in a list, without the archived one", "space in (DOC, 'OLD') and type = space", 1, "Documentation"},
		{"a personal space is quoted", `space.key = "~` + author + `" and type = page`, 8, "Checkout: FAQ & answers 20"},
		{"a title as a whole, in any case", `title = "documentation HOME"`, 1, "Documentation home"},
		{"words of a title", `title ~ "login runbook"`, 5, "Login: runbook 22"},
		{"words of the text", `text ~ "half-open" and title ~ login and type = page`, 19, "Login: runbook 22"},
		{"an id", "id = 200001", 1, "Documentation home"},
		{"a label", "label = runbook and space = OPS", 10, "Price list: runbook 21"},
		{"the children of a page", "parent = 200004", 7, "Checkout: FAQ & answers 20"},
		{"everything below a page", "ancestor = 200001", 87, "Login: runbook 22"},
		{"a date", `lastmodified >= "2026-11-03"`, 2, "Login: runbook 22"},
		{"a time to the minute", `lastModified >= "2026/11/03 11:00"`, 1, "Login: runbook 22"},
		{"order by date", "type = page order by created asc", 140, "Documentation home"},
	}
	s := newSimulator()
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			found := find(t, s, c.cql, "")
			plain := strings.NewReplacer(highlight, "", endHighlight, "").Replace(found.Results[0].Title)
			if found.TotalSize != c.count || strings.ReplaceAll(plain, "&amp;", "&") != strings.ReplaceAll(c.first, "&amp;", "&") {
				t.Errorf("%d, first %q, want %d, %q", found.TotalSize, plain, c.count, c.first)
			}
			if found.CQLQuery != c.cql || found.Size != len(found.Results) || found.Limit != defaultLimit {
				t.Errorf("cqlQuery %q, size %d, limit %d", found.CQLQuery, found.Size, found.Limit)
			}
		})
	}
}

func TestSearchRefusals(t *testing.T) {
	const unparsable = "com.atlassian.confluence.api.service.exceptions.api.BadRequestException: Could not parse cql : "
	cases := []struct{ rule, cql, more, message string }{
		{"nothing", "", "", unparsable},
		{"an order alone", "order by title", "", unparsable + "order by title"},
		{"no grammar", "type = page and", "", unparsable + "type = page and"},
		{"an unknown field", "colour = red", "", unparsable + "colour = red"},
		{"a user field", "user.fullname ~ bob", "", unparsable + "user.fullname ~ bob"},
		{"an unknown type", "type = novel", "", unparsable + "type = novel"},
		{"an unknown function", "creator = currentUser()", "", unparsable + "creator = currentUser()"},
		{"an unknown date", "created > yesterday", "", unparsable + "created > yesterday"},
		{"an unknown field to order by", "type = page order by colour", "", unparsable + "type = page order by colour"},
		{"a foreign cursor", "type = page", "&cursor=abc", "com.atlassian.confluence.api.service.exceptions.api.BadRequestException: Invalid cursor"},
		{"a limit that is no number", "type = page", "&limit=x", "Provided value {x} for 'limit'"},
		{"a negative limit", "type = page", "&limit=-1", "Provided value {-1} for 'limit'"},
		{"an unknown excerpt", "type = page", "&excerpt=long", "excerpt"},
	}
	s := newSimulator()
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			w := get(s, "/wiki/rest/api/search?cql="+url.QueryEscape(c.cql)+c.more)
			var got struct {
				StatusCode int
				Message    string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if w.Code != 400 || got.StatusCode != 400 || !strings.Contains(got.Message, c.message) {
				t.Errorf("%d %s, want 400 %s", w.Code, w.Body, c.message)
			}
		})
	}
}

func TestSearchResults(t *testing.T) {
	s := newSimulator()
	page := find(t, s, `text ~ "customer" and id = 200005`, "").Results[0]
	if page.Content.ID != "200005" || page.Content.Type != "page" || page.EntityType != "content" || page.Space != nil {
		t.Errorf("content %+v", page)
	}
	if page.Content.Expandable.Space != "/rest/api/space/OPS" || page.ResultGlobalContainer.DisplayURL != "/spaces/OPS" || page.Content.Space != nil {
		t.Errorf("space %+v", page)
	}
	if page.URL != "/spaces/OPS/pages/200005/Nightly+import%3A+post-mortem+1" || page.LastModified != "2026-09-27T23:00:00.000Z" {
		t.Errorf("url %s, last modified %s", page.URL, page.LastModified)
	}
	if !strings.Contains(page.Excerpt, "every @@@hl@@@customer@@@endhl@@@ of the shop, &amp; fails") {
		t.Errorf("excerpt %s", page.Excerpt)
	}
	space := find(t, s, "type = space and space = OPS", "").Results[0]
	if space.Content != nil || space.Space.Key != "OPS" || space.EntityType != "space" {
		t.Errorf("space %+v", space)
	}
}

func TestSearchParameters(t *testing.T) {
	const cql = `text ~ "customer" and id = 200005`
	s := newSimulator()
	if got := find(t, s, cql, "&expand=content.space").Results[0].Content; got.Space == nil || got.Space.Key != "OPS" || got.Expandable.Space != "" {
		t.Errorf("expanded: %+v", got)
	}
	if got := find(t, s, cql, "&excerpt=none").Results[0].Excerpt; got != "" {
		t.Errorf("excerpt=none: %s", got)
	}
	if got := find(t, s, cql, "&excerpt=indexed_unescaped").Results[0].Excerpt; !strings.Contains(got, "every customer of the shop, & fails") {
		t.Errorf("excerpt=indexed_unescaped: %s", got)
	}
	if got := find(t, s, "space = OLD and type = page", ""); got.TotalSize != 0 {
		t.Errorf("archived: %d, want 0", got.TotalSize)
	}
	if got := find(t, s, "space = OLD and type = page", "&includeArchivedSpaces=true"); got.TotalSize != 9 {
		t.Errorf("archived on demand: %d, want 9", got.TotalSize)
	}
	if got := find(t, s, "type = page", "&limit=9999"); got.Limit != maxLimit || got.Size != 140 {
		t.Errorf("limit %d, size %d, want %d, 140", got.Limit, got.Size, maxLimit)
	}
}

func FuzzCQL(f *testing.F) {
	f.Add(`type = page AND space not in ("DOC", '~x') AND lastmodified >= "-1d" ORDER BY title DESC, created`, "highlight")
	f.Add(`text ~ "\"ſ`, "indexed")
	s := newSimulator()
	f.Fuzz(func(t *testing.T, cql, excerpt string) {
		query := url.Values{"cql": {cql}, "excerpt": {excerpt}}
		r := httptest.NewRequest("GET", "/wiki/rest/api/search?"+query.Encode(), nil)
		r.SetBasicAuth(atlassiansim.DefaultEmail, atlassiansim.DefaultToken)
		w := simtest.Serve(s, r)
		if w.Code != 200 && w.Code != 400 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
