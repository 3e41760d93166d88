package confluence

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
)

func TestCursorOf(t *testing.T) {
	long := strings.Repeat("x", maxCursor)
	for rule, c := range map[string]struct{ link, want string }{
		"v2":                           {"/wiki/api/v2/spaces?limit=2&cursor=eyJpZCI6MX0%3D", "eyJpZCI6MX0="},
		"v1, without /wiki":            {"/rest/api/search?cql=type=page&limit=25&cursor=_f_MQ%3D%3D_sa_W1", "_f_MQ==_sa_W1"},
		"not the last parameter":       {"/x?cursor=a&limit=2", "a"},
		"an unescaped =":               {"/x?cursor=ab==&limit=2", "ab=="},
		"in a fragment":                {"/x?a=b#?cursor=c", ""},
		"a fragment behind it":         {"/x?cursor=a#cursor=b", "a"},
		"another parameter's end":      {"/x?mycursor=a", ""},
		"in the value of another":      {"/x?cql=cursor%3Da&cursor=b", "b"},
		"the first of two":             {"/x?cursor=a&cursor=b", "a"},
		"none":                         {"/x?limit=2", ""},
		"an empty one":                 {"/x?cursor=", ""},
		"an empty link":                {"", ""},
		"no query":                     {"/cursor=a", ""},
		"another host":                 {"https://evil.example.com/x?cursor=a", "a"},
		"another host, without scheme": {"//evil.example.com/x?cursor=a", "a"},
		"credentials":                  {"https://a:b@evil.example.com/x?cursor=a", "a"},
		"a script":                     {"javascript:alert(1)?cursor=a", "a"},
		"a malformed escape":           {"/x?cursor=%zz", ""},
		"an escape that is cut":        {"/x?cursor=a%2", ""},
		"as long as a cursor may be":   {"/x?cursor=" + long, long},
		"longer":                       {"/x?cursor=" + long + "x", ""},
		"megabytes":                    {"/x?cursor=" + strings.Repeat("x", 4<<20), ""},
		"megabytes before it":          {"/x?a=" + strings.Repeat("x", 4<<20) + "&cursor=a", "a"},
	} {
		if got := cursorOf(c.link); got != c.want {
			t.Errorf("%s: got %.100q", rule, got)
		}
	}
}

func TestNextLink(t *testing.T) {
	for rule, c := range map[string]struct {
		header []string
		want   string
	}{
		"Confluence's":               {[]string{`</wiki/api/v2/spaces?cursor=a>; rel="next", <https://site/wiki>; rel="base"`}, "/wiki/api/v2/spaces?cursor=a"},
		"the other way round":        {[]string{`<https://site/wiki>; rel="base", </x?cursor=a>; rel="next"`}, "/x?cursor=a"},
		"a header each":              {[]string{`<https://site/wiki>; rel="base"`, `</x>; rel="next"`}, "/x"},
		"without quotes":             {[]string{`</x>;rel=next`}, "/x"},
		"other parameters":           {[]string{`</x>; title="a"; REL = "Next"; x`}, "/x"},
		"commas and semicolons":      {[]string{`</x?a=1,2;rel="next">; rel="base", </y?a=1,2;3>; rel="next"`}, "/y?a=1,2;3"},
		"no relation":                {[]string{`</x>`}, ""},
		"another relation":           {[]string{`</x>; rel="prev"`}, ""},
		"never closed":               {[]string{`</x; rel="next"`}, ""},
		"nothing":                    {nil, ""},
		"an empty header, then one":  {[]string{"", `</x>; rel="next"`}, "/x"},
		"a target that holds a sign": {[]string{`</x?a=<b>; rel="next"`}, "/x?a=<b"},
	} {
		if got := nextLink(c.header); got != c.want {
			t.Errorf("%s: got %q", rule, got)
		}
	}
}

func TestWhereAListEnds(t *testing.T) {
	for rule, c := range map[string]struct {
		next, header, sent, want string
	}{
		"no link":                       {"", "", "a", ""},
		"a link":                        {"/x?cursor=b", "", "a", "b"},
		"a header alone":                {"", `</x?cursor=b>; rel="next"`, "a", "b"},
		"the body's link counts":        {"/x?cursor=b", `</x?cursor=c>; rel="next"`, "a", "b"},
		"unless it has no cursor":       {"/x", `</x?cursor=c>; rel="next"`, "a", "c"},
		"a link without a cursor":       {"/x?start=25", "", "a", ""},
		"the cursor that was sent":      {"/x?cursor=a", "", "a", ""},
		"the one that was sent, escape": {"/x?cursor=%61", "", "a", ""},
	} {
		var l list[apiSpace]
		l.Links.Next = c.next
		l.ReadHeader(http.Header{"Link": {c.header}})
		if got := l.next(c.sent); got != c.want {
			t.Errorf("%s: got %q", rule, got)
		}
	}
}

// Nothing that a link to the next page says changes where the next request goes.
func TestHostileLinksChangeNothing(t *testing.T) {
	for _, link := range []string{
		"https://evil.example.com/x?cursor=c", "//evil.example.com?cursor=c", "javascript:x?cursor=c", "https://a:b@evil.example.com/?cursor=c",
		"/wiki/api/v2/users?cursor=c&limit=1000&keys=SECRET", "http://169.254.169.254/latest?cursor=c", "\\\\evil\\x?cursor=c", "?cursor=c",
	} {
		s := newSite(t)
		next, _ := json.Marshal(link)
		s.Answers(sitetest.Answering(200, `{"results":[{}],"_links":{"next":`+string(next)+`,"base":"https://evil.example.com"}}`))
		token := readItems(t, s.get("/spaces?limit=2")).Next
		if strings.Contains(token, "evil") {
			t.Errorf("%s: a client sees %s", link, token)
		}
		s.get("/spaces?limit=2&page_token=" + token)
		if sent := s.lines(); len(sent) != 2 || sent[1] != "GET /wiki/api/v2/spaces?cursor=c&limit=2" {
			t.Errorf("%s: sent %q", link, sent)
		}
	}
}

// run is one way to page through items.
type run struct {
	rand    *rand.Rand
	path    string
	items   int
	cursors []string // of the pages that were begun so far
	begins  map[string]int
}

// serve answers with items from the cursor on, sometimes with fewer than requested
// or with none, as Confluence does.
func (p *run) serve(w http.ResponseWriter, r *http.Request) {
	cursor := r.URL.Query().Get("cursor")
	begin, known := p.begins[cursor]
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	if !known || limit != 7 {
		sitetest.Answering(400, `{}`)(w, r)
		return
	}
	end := min(begin+p.rand.IntN(limit+1), p.items)
	results := make([]string, 0, limit)
	for i := begin; i < end; i++ {
		results = append(results, fmt.Sprintf(`{"id":"%d","content":{"id":"%d"}}`, i, i))
	}
	next := p.next(cursor, end)
	if p.rand.IntN(3) > 0 {
		w.Header().Set("Link", `<https://x/wiki>; rel="base", <`+next+`>; rel="next"`)
		if p.rand.IntN(2) > 0 {
			next = ""
		}
	}
	sitetest.Answering(200, fmt.Sprintf(`{"results":[%s],"_links":{"base":"https://x/wiki","next":%q}}`, strings.Join(results, ","), next))(w, r)
}

// next is the link to the next page, in the body or in the header alone.
func (p *run) next(sent string, end int) string {
	if end == p.items {
		// No next page is no link, or one that leads nowhere.
		return []string{"", "/x", "/x?cursor=", "/x?cursor=" + url.QueryEscape(sent)}[p.rand.IntN(4)]
	}
	cursor := fmt.Sprintf("%d=+&/%%\u00fc", len(p.cursors))
	p.cursors = append(p.cursors, cursor)
	p.begins[cursor] = end
	link := []string{"/rest/api/search?cql=a&cursor=%s&limit=1", "/wiki/api/v2/spaces?cursor=%s", "https://evil.example.com/x?start=9&cursor=%s#cursor=x"}[p.rand.IntN(3)]
	return fmt.Sprintf(link, url.QueryEscape(cursor))
}

func TestPagingMissesNothingAndEnds(t *testing.T) {
	s := newSite(t)
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := &run{rand: r, items: r.IntN(40), begins: map[string]int{"": 0}, path: []string{"/spaces?", "/spaces/1/pages?", "/search?cql=a&"}[r.IntN(3)]}
		s.Answers(p.serve)
		var got []string
		token, pages := "", 0
		for {
			page := readItems(t, s.get(p.path+"limit=7&page_token="+token))
			for _, item := range page.Items {
				got = append(got, item["id"].(string))
			}
			if token = page.Next; token == "" {
				break
			}
			if pages++; pages > 1000 {
				t.Fatalf("seed %d: no end", seed)
			}
		}
		want := make([]string, p.items)
		for i := range want {
			want[i] = strconv.Itoa(i)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %q of %d items", seed, got, p.items)
		}
	}
}

func FuzzNext(f *testing.F) {
	f.Add("/x?cursor=a", `</x?cursor=b>; rel="next"`, "a")
	f.Add("//evil?cursor=%zz", "<<>;rel=next,<", "")
	f.Fuzz(func(t *testing.T, next, header, sent string) {
		var l list[apiPage]
		l.Links.Next = next
		l.ReadHeader(http.Header{"Link": {header, next}})
		if got := l.next(sent); len(got) > maxCursor || got == sent && got != "" {
			t.Errorf("got %q", got)
		}
	})
}

func FuzzPlainText(f *testing.F) {
	f.Add("a @@@hl@@@b@@@endhl@@@ &amp;lt; <em>c</em>")
	f.Fuzz(func(t *testing.T, s string) {
		if got := plainText(s); strings.ContainsAny(got, "\n\r\t") || len(got) > 3*len(s)+3 {
			t.Errorf("got %q", got)
		}
	})
}
