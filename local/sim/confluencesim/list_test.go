package confluencesim

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

// listing is a page of any list.
type listing struct {
	Results []struct {
		ID, Key, Title, Status string
		ParentID               *string
		Content                *struct{ ID string }
	}
	TotalSize, Start int
	Links            struct{ Next, Base string } `json:"_links"`
}

func TestLists(t *testing.T) {
	const pages = "/wiki/api/v2/spaces/65537/pages"
	cases := []struct {
		rule, path string
		want       string // keys or titles of the first two
		count      int
	}{
		{"spaces by id", "/wiki/api/v2/spaces", "DOC OPS", 4},
		{"spaces of keys", "/wiki/api/v2/spaces?keys=OPS,~" + author + ",NOPE", "OPS ~" + author, 2},
		{"spaces of ids", "/wiki/api/v2/spaces?ids=65537&ids=1", "DOC", 1},
		{"spaces of a type", "/wiki/api/v2/spaces?type=personal", "~" + author, 1},
		{"spaces of a status", "/wiki/api/v2/spaces?status=archived", "OLD", 1},
		{"spaces backwards", "/wiki/api/v2/spaces?sort=-name&limit=2", "OPS OLD", 2},
		{"a page of pages holds 25", pages, "Documentation home|Price list: runbook 1", 25},
		{"and what is asked for", pages + "?limit=3", "Documentation home|Price list: runbook 1", 3},
		{"a title", pages + "?title=Documentation+home", "Documentation home", 1},
		{"pages at the root", pages + "?depth=root", "Documentation home", 1},
		{"pages in the trash are listed on demand", pages + "?status=trashed", "Checkout: design 4", 1},
		{"pages by title, backwards", pages + "?sort=-title&limit=2", "Search: runbook 8|Search: runbook 3", 2},
	}
	s := newSimulator()
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			page := read[listing](t, get(s, c.path))
			var names []string
			separator := " "
			for _, one := range page.Results[:min(2, len(page.Results))] {
				if one.Title != "" {
					separator = "|"
				}
				names = append(names, one.Key+one.Title)
			}
			if got := strings.Join(names, separator); got != c.want || len(page.Results) != c.count {
				t.Errorf("%d, first %s, want %d, %s", len(page.Results), got, c.count, c.want)
			}
		})
	}
}

func TestListRefusals(t *testing.T) {
	cases := []struct {
		rule, path string
		status     int
		title      string // a part of it
	}{
		{"a key is no id", "/wiki/api/v2/spaces/DOC/pages", 400, "Provided value {DOC} for 'id' is not the correct type. Expected type is long"},
		{"a page's id is a number", "/wiki/api/v2/pages/home", 400, "Provided value {home} for 'id' is not the correct type. Expected type is long"},
		{"a space must exist", "/wiki/api/v2/spaces/1/pages", 404, "Not Found"},
		{"a page must exist", "/wiki/api/v2/pages/1", 404, "Not Found"},
		{"a page in the trash is not found", "/wiki/api/v2/pages/200022", 404, "Not Found"},
		{"a limit is at least 1", "/wiki/api/v2/spaces?limit=0", 400, "limit"},
		{"a limit is at most 250", "/wiki/api/v2/spaces?limit=251", 400, "limit"},
		{"a limit is a number", "/wiki/api/v2/spaces?limit=x", 400, "limit"},
		{"a sort must be known", "/wiki/api/v2/spaces?sort=colour", 400, "sort"},
		{"a status must be known", "/wiki/api/v2/spaces/65537/pages?status=lost", 400, "status"},
		{"a list has no views", "/wiki/api/v2/spaces/65537/pages?body-format=view", 400, "body-format"},
		{"a format must be known", "/wiki/api/v2/pages/200001?body-format=markdown", 400, "body-format"},
		{"a cursor is Confluence's own", "/wiki/api/v2/spaces?cursor=abc", 400, "cursor"},
		{"at most 250 keys", "/wiki/api/v2/spaces?keys=" + strings.Repeat("a,", 250) + "b", 400, "keys"},
	}
	s := newSimulator()
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			w := get(s, c.path)
			if w.Code != c.status || !strings.HasPrefix(w.Body.String(), `{"errors":[{"code":`) || !strings.Contains(w.Body.String(), c.title) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.title)
			}
		})
	}
}

// cursorOf takes the cursor out of a link.
func cursorOf(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("cursor")
}

// readAll reads a list to its end as a careful client does: it takes cursors
// only, and stops at one that comes back.
func readAll(t *testing.T, s *Simulator, path string) (ids []string, sizes []int) {
	t.Helper()
	for cursor := ""; ; {
		w := get(s, path+"&cursor="+url.QueryEscape(cursor))
		page := read[listing](t, w)
		sizes = append(sizes, len(page.Results))
		for _, one := range page.Results {
			if one.Content != nil {
				one.ID = one.Content.ID
			}
			ids = append(ids, one.ID)
		}
		next := page.Links.Next
		if next == "" {
			next, _, _ = strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
		}
		if next = cursorOf(t, next); next == "" || next == cursor {
			return ids, sizes
		}
		if len(sizes) > 1000 {
			t.Fatal("there is no end")
		}
		cursor = next
	}
}

func TestFaultsOfListsHideNothing(t *testing.T) {
	paths := map[string]string{
		"pages":  "/wiki/api/v2/spaces/65537/pages?limit=10",
		"search": "/wiki/rest/api/search?cql=type%3Dpage+and+space%3DDOC&limit=10",
	}
	kinds := []atlassiansim.Kind{"", atlassiansim.EmptyPage, atlassiansim.ShortPages, atlassiansim.RepeatToken, atlassiansim.NoNext,
		atlassiansim.HostileNext}
	for name, path := range paths {
		s := newSimulator()
		want, _ := readAll(t, s, path)
		if n := len(slices.Compact(slices.Sorted(slices.Values(want)))); n != len(want) || n < 40 {
			t.Fatalf("%s: %d entries, %d of them different", name, len(want), n)
		}
		for _, kind := range kinds[1:] {
			t.Run(fmt.Sprint(name, " ", kind), func(t *testing.T) {
				if err := s.Set(atlassiansim.Fault{Kind: kind}); err != nil {
					t.Fatal(err)
				}
				if got, sizes := readAll(t, s, path); !slices.Equal(got, want) {
					t.Errorf("%d entries, want %d; pages of %v", len(got), len(want), sizes)
				}
			})
		}
	}
}

func TestLinksAreTraps(t *testing.T) {
	const v2, v1 = "/wiki/api/v2/spaces?limit=1", "/wiki/rest/api/search?cql=type%3Dpage&limit=1&start=100001"
	cases := []struct {
		rule, path, prefix string
		fault              atlassiansim.Fault
	}{
		{"v2 has the site's path", v2, "/wiki/api/v2/spaces?cursor=", atlassiansim.Fault{}},
		{"v2 loses the gateway's prefix", gateway + v2, "/wiki/api/v2/spaces?cursor=", atlassiansim.Fault{}},
		{"v1 lacks /wiki", v1, "/rest/api/search?next=true&cursor=", atlassiansim.Fault{}},
		{"v1 loses the gateway's prefix", gateway + v1, "/rest/api/search?next=true&cursor=", atlassiansim.Fault{}},
		{"v2 may lead astray", v2, "https://attacker.invalid/wiki/api/v2/spaces?cursor=", atlassiansim.Fault{Kind: atlassiansim.HostileNext}},
		{"v1 may lead to a named host", v1, "//127.0.0.1:9/rest/api/search?next=true&cursor=",
			atlassiansim.Fault{Kind: atlassiansim.HostileNext, Location: "//127.0.0.1:9"}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newSimulator()
			if c.fault.Kind != "" {
				if err := s.Set(c.fault); err != nil {
					t.Fatal(err)
				}
			}
			w := get(s, c.path)
			page := read[listing](t, w)
			if len(page.Results) != 1 || page.Start != 0 {
				t.Errorf("start is not dead: %+v", page)
			}
			if !strings.HasPrefix(page.Links.Next, c.prefix) || page.Links.Base != "http://example.com/wiki" {
				t.Errorf("links %+v, want %s", page.Links, c.prefix)
			}
			if !strings.Contains(cursorOf(t, page.Links.Next), "=") || strings.HasSuffix(page.Links.Next, "cursor=") {
				t.Errorf("the cursor of %s needs no escapes", page.Links.Next)
			}
			header := "<" + page.Links.Next + `>; rel="next", <http://example.com/wiki>; rel="base"`
			if got := w.Header().Get("Link"); strings.Contains(c.path, "/v2/") != (got == header) {
				t.Errorf("Link %s, want %s", got, header)
			}
		})
	}
}

func TestCursorIsBoundToItsQuery(t *testing.T) {
	s := newSimulator()
	cursor := url.QueryEscape(cursorOf(t, read[listing](t, get(s, "/wiki/api/v2/spaces?limit=1&sort=key")).Links.Next))
	for query, status := range map[string]int{"sort=key&limit=1": 200, "sort=key&limit=2": 200, "sort=name&limit=1": 400, "": 400} {
		if w := get(s, "/wiki/api/v2/spaces?cursor="+cursor+"&"+query); w.Code != status {
			t.Errorf("%q: %d, want %d", query, w.Code, status)
		}
	}
}

func TestPagesAddedBetweenPagesRepeatNothing(t *testing.T) {
	clock := simtest.NewClock()
	s := New(atlassiansim.Options{Lag: atlassiansim.NoLag, Now: clock.Now})
	ids := map[string]bool{}
	for cursor := ""; ; {
		page := read[listing](t, get(s, "/wiki/api/v2/spaces/65537/pages?sort=-id&limit=20&cursor="+url.QueryEscape(cursor)))
		for _, one := range page.Results {
			if ids[one.ID] {
				t.Errorf("%s twice", one.ID)
			}
			ids[one.ID] = true
		}
		if cursor = cursorOf(t, page.Links.Next); cursor == "" {
			return
		}
		clock.Advance(time.Second)
		if _, err := s.AddPage("DOC", "Fresh", "<p>x</p>"); err != nil {
			t.Fatal(err)
		}
	}
}
