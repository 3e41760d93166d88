package confluence

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
)

const spaceOPS = `{"id":"65537","key":"OPS","name":"Operations","type":"global","status":"current","currentActiveAlias":"ops","_links":{"webui":"/spaces/OPS"}}`

func TestSpaces(t *testing.T) {
	s := newSite(t)
	s.Answers(sitetest.Answering(200, `{"results":[`+spaceOPS+`,{"id":"7","key":"~a:b","name":"Me","type":"x_new","status":"archived"}],"_links":{"base":"https://x"}}`))
	want := `{"items":[{"id":"65537","key":"OPS","name":"Operations","type":"global","status":"current","url":"https://site.example.com/wiki/spaces/OPS"},` +
		`{"id":"7","key":"~a:b","name":"Me","type":"x_new","status":"archived","url":"https://site.example.com/wiki/spaces/~a:b"}]}` + "\n"
	for path, line := range map[string]string{
		"/spaces":                        "GET /wiki/api/v2/spaces?limit=25",
		"/spaces?limit=100":              "GET /wiki/api/v2/spaces?limit=100",
		"/spaces?keys=OPS,~a:b":          "GET /wiki/api/v2/spaces?keys=OPS%2C~a%3Ab&limit=25",
		"/spaces?keys=~j%C3%BCrgen%40x.": "GET /wiki/api/v2/spaces?keys=~j%C3%BCrgen%40x.&limit=25",
	} {
		if w := s.get(path); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if sent := s.lines(); sent[len(sent)-1] != line {
			t.Errorf("%s: sent %s", path, sent[len(sent)-1])
		}
	}
}

const aPage = `{"id":"11","status":"current","title":"A & B","spaceId":"65537","parentId":null,"version":{"number":3,"createdAt":"2026-05-01T10:00:00.123+02:00"},` +
	`"_links":{"webui":"/spaces/OPS/pages/11/A+%26+B?x=1#y","tinyui":"/x/z"}}`

func TestPages(t *testing.T) {
	s := newSite(t)
	s.Answers(sitetest.Answering(200, `{"results":[`+aPage+`]}`))
	w := s.get("/spaces/65537/pages?limit=2")
	want := `{"items":[{"id":"11","title":"A & B","status":"current","version":3,"url":"https://site.example.com/wiki/spaces/OPS/pages/11/A+%26+B?x=1#y"}]}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if sent := s.lines(); len(sent) != 1 || sent[0] != "GET /wiki/api/v2/spaces/65537/pages?limit=2" {
		t.Errorf("digits are an id: sent %q", sent)
	}
}

// confluence serves one space with one page.
func confluence(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/wiki/api/v2/spaces":
		key := r.URL.Query().Get("keys")
		if strings.EqualFold(key, "OPS") || key == "~me" {
			sitetest.Answering(200, strings.Replace(`{"results":[`+spaceOPS+`]}`, `"key":"OPS"`, `"key":"`+key+`"`, 1))(w, r)
			return
		}
		sitetest.Answering(200, `{"results":[]}`)(w, r)
	case "/wiki/api/v2/spaces/65537/pages":
		sitetest.Answering(200, `{"results":[`+aPage+`]}`)(w, r)
	default:
		sitetest.Answering(404, `{"errors":[{"status":404,"code":"NOT_FOUND","title":"Not Found","detail":null}]}`)(w, r)
	}
}

func TestAKeyIsResolvedOnce(t *testing.T) {
	s := newSite(t)
	s.Answers(confluence)
	for range 3 {
		if w := s.get("/spaces/OPS/pages"); len(readItems(t, w).Items) != 1 {
			t.Fatal(w.Body)
		}
	}
	want := []string{"GET /wiki/api/v2/spaces?keys=OPS", "GET /wiki/api/v2/spaces/65537/pages?limit=25"}
	if sent := s.lines(); len(sent) != 4 || sent[0] != want[0] || sent[1] != want[1] || sent[2] != want[1] {
		t.Errorf("sent %q", sent)
	}
	if len(s.Calls()) != 3 || s.Calls()[0].Attempts != 1 || s.Calls()[0].Operation != "confluence.get_pages_in_space" {
		t.Errorf("the resolution is no call of its own: %+v", s.Calls())
	}
	if w := s.get("/spaces/~me/pages"); w.Code != 200 {
		t.Errorf("a personal space: %d %s", w.Code, w.Body)
	}
}

func TestAnUnknownKeyIsNotRemembered(t *testing.T) {
	s := newSite(t)
	s.Answers(confluence)
	for range 2 {
		w := s.get("/spaces/NONE/pages")
		if p := sitetest.ReadProblem(t, w); w.Code != 404 || p.Field != "space" || !strings.Contains(p.Detail, "NONE") || p.Type != "unknown-space" {
			t.Errorf("%d %+v", w.Code, p)
		}
	}
	if sent := s.lines(); len(sent) != 2 {
		t.Errorf("sent %q", sent)
	}
	if s.Calls()[0].Outcome != "success" {
		t.Errorf("the service did its part: %+v", s.Calls()[0])
	}
}

// Some filter that Confluence ignores must not give us another space's pages.
func TestOnlyTheSpaceThatWasAskedForIsTaken(t *testing.T) {
	for rule, c := range map[string]struct {
		found string
		want  int
	}{
		"the key in another case":  {`{"id":"65537","key":"ops"}`, 200},
		"an alias":                 {`{"id":"65537","key":"X","currentActiveAlias":"OPS"}`, 200},
		"another space":            {`{"id":"1","key":"X"}`, 404},
		"another, then the one":    {`{"id":"1","key":"X"},{"id":"65537","key":"OPS"}`, 200},
		"an id that is no number":  {`{"id":"../x","key":"OPS"}`, 404},
		"an id that leaves a path": {`{"id":"1/../2","key":"OPS"}`, 404},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t)
			s.Answers(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/wiki/api/v2/spaces" {
					sitetest.Answering(200, `{"results":[`+c.found+`]}`)(w, r)
					return
				}
				confluence(w, r)
			})
			if w := s.get("/spaces/OPS/pages"); w.Code != c.want {
				t.Errorf("%d %s, sent %q", w.Code, w.Body, s.lines())
			}
		})
	}
}

func TestAKeyThatWasGivenToAnotherSpaceIsResolvedAgain(t *testing.T) {
	s := newSite(t)
	s.Answers(confluence)
	s.connector.ids.set("OPS", "1") // is gone
	if w := s.get("/spaces/OPS/pages"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if sent := s.lines(); len(sent) != 3 || sent[1] != "GET /wiki/api/v2/spaces?keys=OPS" {
		t.Errorf("sent %q", sent)
	}
	if id, known := s.connector.ids.get("OPS"); id != "65537" || !known {
		t.Errorf("remembered %q, %v", id, known)
	}
}

func TestKeysAreResolvedConcurrently(t *testing.T) {
	s := newSite(t)
	s.Answers(confluence)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for _, key := range []string{"OPS", "ops", "~me", "NONE"} {
				if w := s.get("/spaces/" + key + "/pages"); w.Code != 200 && key != "NONE" {
					t.Errorf("%s: %d %s", key, w.Code, w.Body)
				}
			}
		})
	}
	calls.Wait()
}

func TestPageContent(t *testing.T) {
	s := newSite(t)
	for format, c := range map[string]struct{ asked, want string }{
		"":                 {"storage", `{"format":"storage","value":"<p>a & <a href=\"/wiki/x\">b</a></p>"}`},
		"?format=storage":  {"storage", `{"format":"storage","value":"<p>a & <a href=\"/wiki/x\">b</a></p>"}`},
		"?format=view":     {"view", `{"format":"view","value":"<p>a & <a href=\"/wiki/x\">b</a></p>"}`},
		"?format=markdown": {"view", `{"format":"markdown","value":"a & [b](https://site.example.com/wiki/x)"}`},
	} {
		s.Answers(sitetest.Answering(200, strings.TrimSuffix(aPage, "}")+`,"body":{"`+c.asked+`":{"representation":"`+c.asked+`","value":"<p>a & <a href=\"/wiki/x\">b</a></p>"}}}`))
		w := s.get("/pages/11" + format)
		want := `{"id":"11","title":"A & B","status":"current","version":3,"url":"https://site.example.com/wiki/spaces/OPS/pages/11/A+%26+B?x=1#y",` +
			`"space_id":"65537","last_modified":"2026-05-01T08:00:00.123000Z","body":` + c.want + "}\n"
		if w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", format, w.Code, w.Body)
		}
		if sent := s.lines(); sent[len(sent)-1] != "GET /wiki/api/v2/pages/11?body-format="+c.asked {
			t.Errorf("%s: sent %s", format, sent[len(sent)-1])
		}
	}
}

func TestABodyIsNeverMissing(t *testing.T) {
	for rule, c := range map[string]struct {
		body, typ string
		want      int
	}{
		"an empty page has an empty body":   {`{"storage":{"value":""}}`, "", 200},
		"none at all is no answer":          {`{}`, "upstream-answer", 502},
		"another format's is no answer":     {`{"view":{"value":"a"}}`, "upstream-answer", 502},
		"one that is too large is a 422":    {`{"storage":{"value":"` + strings.Repeat("x", maxBody+1) + `"}}`, "page-too-large", 422},
		"as large as allowed is passed on":  {`{"storage":{"value":"` + strings.Repeat("x", maxBody) + `"}}`, "", 200},
		"a body of a type that it is not":   {`{"storage":{"value":1}}`, "upstream-answer", 502},
		"an answer beyond all is no answer": {`{"storage":{"value":"` + strings.Repeat("x", 5<<20) + `"}}`, "upstream-answer", 502},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t)
			s.Answers(sitetest.Answering(200, strings.TrimSuffix(aPage, "}")+`,"body":`+c.body+"}"))
			w := s.get("/pages/11")
			if w.Code != c.want || c.want != 200 && sitetest.ReadProblem(t, w).Type != c.typ {
				t.Errorf("%d %.300s", w.Code, w.Body)
			}
		})
	}
}

func TestSearch(t *testing.T) {
	for rule, c := range map[string]struct{ result, want string }{
		"a page": {
			`{"content":{"id":"11","type":"page","status":"current","title":"A & B","_expandable":{"space":"/rest/api/space/OPS"},"_links":{"webui":"/x"}},` +
				`"title":"@@@hl@@@A@@@endhl@@@ &amp; B","excerpt":"an @@@hl@@@A@@@endhl@@@ &amp; &lt;b&gt;\n <em>x</em>","url":"/spaces/OPS/pages/11/A","entityType":"content",` +
				`"resultGlobalContainer":{"title":"Operations","displayUrl":"/spaces/NOT"},"lastModified":"2026-04-27T10:21:32.000Z","friendlyLastModified":"Apr 27"}`,
			`{"id":"11","type":"page","title":"A & B","space_key":"OPS","excerpt":"an A & <b> x","url":"https://site.example.com/wiki/spaces/OPS/pages/11/A","last_modified":"2026-04-27T10:21:32.000000Z"}`,
		},
		"content whose space was expanded": {
			`{"content":{"id":"12","type":"blogpost","title":"t","space":{"key":"~me","id":5}},"url":"/spaces/~me/blog/1","resultGlobalContainer":{"displayUrl":"/spaces/NOT"}}`,
			`{"id":"12","type":"blogpost","title":"t","space_key":"~me","excerpt":"","url":"https://site.example.com/wiki/spaces/~me/blog/1"}`,
		},
		"content with nothing but its container": {
			`{"content":{"id":"att13","type":"attachment"},"title":"f.pdf","url":"/spaces/~a%3Ab/x","resultGlobalContainer":{"displayUrl":"/spaces/~a%3Ab/overview"},"lastModified":"yesterday"}`,
			`{"id":"att13","type":"attachment","title":"f.pdf","space_key":"~a:b","excerpt":"","url":"https://site.example.com/wiki/spaces/~a%3Ab/x"}`,
		},
		"a space": {
			`{"space":{"id":65537,"key":"OPS","name":"Operations","type":"global"},"title":"Operations","excerpt":"","url":"/spaces/OPS","entityType":"space"}`,
			`{"id":"65537","type":"space","title":"Operations","space_key":"OPS","excerpt":"","url":"https://site.example.com/wiki/spaces/OPS"}`,
		},
		"a person": {
			`{"user":{"type":"known","accountId":"557058:x"},"content":null,"title":"Ann","url":"/people/557058:x","entityType":"user"}`,
			`{"id":"557058:x","type":"user","title":"Ann","space_key":"","excerpt":"","url":"https://site.example.com/wiki/people/557058:x"}`,
		},
		"nothing known of it": {`{}`, `{"id":"","type":"","title":"","space_key":"","excerpt":"","url":"https://site.example.com/wiki"}`},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t)
			s.Answers(sitetest.Answering(200, `{"results":[`+c.result+`],"start":0,"limit":5,"size":1,"totalSize":1,"_links":{"base":"https://x/wiki"}}`))
			w := s.get("/search?limit=5&cql=type%3Dpage+and+text~%22a+%26+b%22")
			if w.Code != 200 || w.Body.String() != `{"items":[`+c.want+"]}\n" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if sent := s.lines(); len(sent) != 1 || sent[0] != "GET /wiki/rest/api/search?cql=type%3Dpage+and+text~%22a+%26+b%22&limit=5" {
				t.Errorf("sent %q", sent)
			}
		})
	}
}

func TestLinksLeadToTheSite(t *testing.T) {
	for webui, want := range map[string]string{
		"/spaces/A/pages/1":         "/wiki/spaces/A/pages/1",
		"/wiki/spaces/A":            "/wiki/spaces/A",
		"":                          "/wiki/pages/viewpage.action?pageId=1",
		"/":                         "/wiki/pages/viewpage.action?pageId=1",
		"//evil.example.com/x":      "/wiki/evil.example.com/x",
		"@evil.example.com/x":       "/wiki/@evil.example.com/x",
		"https://evil.example.com/": "/wiki/https://evil.example.com/",
		"javascript:alert(1)":       "/wiki/javascript:alert(1)",
		"/a%zz":                     "/wiki/pages/viewpage.action?pageId=1",
		"/a\nb":                     "/wiki/pages/viewpage.action?pageId=1",
		"/a b?c=d#e":                "/wiki/a%20b?c=d#e",
	} {
		s := newSite(t)
		s.Answers(sitetest.Answering(200, fmt.Sprintf(`{"id":"1","_links":{"webui":%q},"body":{"storage":{"value":""}}}`, webui)))
		w := s.get("/pages/1")
		if !strings.Contains(w.Body.String(), `"url":"https://site.example.com`+want+`"`) {
			t.Errorf("%q: %s", webui, w.Body)
		}
	}
}
