package session

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

// nowhere is a site whose database must not be asked for anything.
func nowhere(t testing.TB) *Repository {
	return New(Config{Options: func(*options.ClientOptions) { t.Error("the database was asked") }})
}

func metadata(value string) string { return `{"session_data":{"metadata":` + value + `}}` }

func manyNames(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf(`"k%d":%d`, i, i))
	}
	return "{" + strings.Join(names, ",") + "}"
}

func TestBadInputNeverReachesTheDatabase(t *testing.T) {
	chat := "/chat/messages"
	for rule, c := range map[string]struct {
		request
		status int
		field  string
	}{
		"malformed JSON":                        {request{method: "POST", body: `{"session_data":`}, 400, ""},
		"an unknown field":                      {request{method: "POST", body: `{"title":"x"}`}, 400, "title"},
		"an unknown field of the session":       {request{method: "POST", body: `{"session_data":{"owner":"eve"}}`}, 400, "owner"},
		"somebody else's user id":               {request{method: "POST", body: `{"user_id":"eve"}`}, 403, "user_id"},
		"an empty user id":                      {request{method: "POST", body: `{"user_id":""}`}, 403, "user_id"},
		"a title of two lines":                  {request{method: "POST", body: `{"session_data":{"title":"a\nb"}}`}, 400, "session_data.title"},
		"a title that is too long":              {request{method: "POST", body: `{"session_data":{"title":"` + strings.Repeat("ü", 256) + `"}}`}, 400, "session_data.title"},
		"metadata that is no object":            {request{method: "POST", body: metadata(`[1]`)}, 400, "session_data.metadata"},
		"metadata of 10,000 names":              {request{method: "POST", body: metadata(manyNames(10_000))}, 400, "session_data.metadata"},
		"metadata of 501 names":                 {request{method: "POST", body: metadata(`{"in":` + manyNames(500) + `}`)}, 400, "session_data.metadata"},
		"metadata of 11 levels":                 {request{method: "POST", body: metadata(`{"a":` + strings.Repeat("[", 10) + strings.Repeat("]", 10) + `}`)}, 400, "session_data.metadata"},
		"metadata with an over-long name":       {request{method: "POST", body: metadata(`{"` + strings.Repeat("n", 129) + `":1}`)}, 400, "session_data.metadata"},
		"metadata of over 64 KB":                {request{method: "POST", body: metadata(`{"a":"` + strings.Repeat("x", 64<<10) + `"}`)}, 400, "session_data.metadata"},
		"a name given twice in metadata":        {request{method: "POST", body: metadata(`{"a":{"b":1,"b":2}}`)}, 400, "b"},
		"a body of over 1 MB":                   {request{method: "POST", body: metadata(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)}, 413, ""},
		"a query on a route without one":        {request{method: "POST", path: "?x=1"}, 400, "x"},
		"a malformed id":                        {request{method: "PUT", path: "/a%20b"}, 400, "id"},
		"an id that would name another owner's": {request{method: "GET", path: "/a:b"}, 400, "id"},
		"an id of an operator":                  {request{method: "GET", path: "/$ne"}, 400, "id"},
		"an over-long id":                       {request{method: "DELETE", path: "/" + strings.Repeat("a", 65)}, 400, "id"},
		"an id that is no UTF-8":                {request{method: "GET", path: "/%ff"}, 400, "id"},
		"a query of ensure":                     {request{method: "PUT", path: "/chat?x=1"}, 400, "x"},
		"a query of get":                        {request{method: "GET", path: "/chat?x=1"}, 400, "x"},
		"a query of delete":                     {request{method: "DELETE", path: "/chat?x=1"}, 400, "x"},
		"somebody else's user id in ensure":     {request{method: "PUT", path: "/chat", body: `{"user_id":"eve"}`}, 403, "user_id"},
		"an update without If-Match":            {request{method: "PATCH", path: "/chat", body: `{}`}, 428, "If-Match"},
		"an update of whatever there is":        {request{method: "PATCH", path: "/chat", body: `{}`, match: "*"}, 400, "If-Match"},
		"an update of one of several":           {request{method: "PATCH", path: "/chat", body: `{}`, match: `"a-1", "b-1"`}, 400, "If-Match"},
		"an If-Match without quotes":            {request{method: "PATCH", path: "/chat", body: `{}`, match: `a-1`}, 400, "If-Match"},
		"an If-Match of one quote":              {request{method: "PATCH", path: "/chat", body: `{}`, match: `"`}, 400, "If-Match"},
		"an update without a body":              {request{method: "PATCH", path: "/chat", match: `"a-1"`}, 400, ""},
		"an update of what is not the client's": {request{method: "PATCH", path: "/chat", match: `"a-1"`, body: `{"session_data":{"version":7}}`}, 400, "version"},
		"a query of update":                     {request{method: "PATCH", path: "/chat?x=1", match: `"a-1"`, body: `{}`}, 400, "x"},
		"a limit of 0":                          {request{method: "GET", path: "?limit=0"}, 400, "limit"},
		"a limit of 101 sessions":               {request{method: "GET", path: "?limit=101"}, 400, "limit"},
		"a broken token of sessions":            {request{method: "GET", path: "?page_token=%25"}, 400, "page_token"},
		"a limit of 201 messages":               {request{method: "GET", path: chat + "?limit=201"}, 400, "limit"},
		"a broken token of messages":            {request{method: "GET", path: chat + "?page_token=e30"}, 400, "page_token"},
		"a message without a role":              {request{method: "POST", path: chat, body: `{"content":"x"}`}, 400, "role"},
		"a message of an unknown role":          {request{method: "POST", path: chat, body: `{"role":"boss","content":"x"}`}, 400, "role"},
		"a message without content":             {request{method: "POST", path: chat, body: `{"role":"user"}`}, 400, "content"},
		"a message of over 256 KB":              {request{method: "POST", path: chat, body: `{"role":"user","content":"` + strings.Repeat("x", maxContent+1) + `"}`}, 400, "content"},
		"a message of 17 MB":                    {request{method: "POST", path: chat, body: `{"role":"user","content":"` + strings.Repeat("x", 17<<20) + `"}`}, 413, ""},
		"a malformed id of a message":           {request{method: "POST", path: chat, body: `{"id":"a:b","role":"user","content":"x"}`}, 400, "id"},
		"a message's id that is empty":          {request{method: "POST", path: chat, body: `{"id":"","role":"user","content":"x"}`}, 400, "id"},
		"a message's number":                    {request{method: "POST", path: chat, body: `{"seq":1,"role":"user","content":"x"}`}, 400, "seq"},
		"a query of append":                     {request{method: "POST", path: chat + "?x=1"}, 400, "x"},
		"a subject that cannot be kept":         {request{method: "GET", as: "\xff"}, 401, ""},
		"a subject that is too long":            {request{method: "GET", as: strings.Repeat("a", 257)}, 401, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			s := &site{t: t, repository: nowhere(t)}
			p := want[gateway.Problem](s, c.status, c.request)
			if p.Field != c.field {
				t.Errorf("%+v, want field %q", p, c.field)
			}
		})
	}
}

func TestNobodyIsUnauthenticated(t *testing.T) {
	for _, target := range []string{"GET /", "POST /", "GET /chat", "PUT /chat", "PATCH /chat", "DELETE /chat", "GET /chat/messages", "POST /chat/messages"} {
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		path = strings.TrimSuffix("/api/v1/sessions"+path, "/")
		Handler(nowhere(t)).ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != 401 {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestASessionIsAnsweredAsItIs(t *testing.T) {
	s := newSite(t)
	w := s.do(request{method: "POST", body: `{"user_id":"ada","session_data":{"title":"Grüße","metadata":{"n": 12345678901234567890.10, "$set":{"a.b":null}}}}`})
	got := read[sessionJSON](t, w)
	if w.Code != 201 || got.UserID != "ada" || got.Title != "Grüße" || got.Version != 1 || len(got.ID) != 26 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if string(got.Metadata) != `{"n":12345678901234567890.10,"$set":{"a.b":null}}` {
		t.Errorf("metadata %s", got.Metadata)
	}
	if w.Header().Get("Location") != "/api/v1/sessions/"+got.ID || w.Header().Get("ETag") == "" {
		t.Errorf("headers %v", w.Header())
	}
	again := s.do(request{method: "GET", path: "/" + got.ID})
	if again.Body.String() != w.Body.String() || again.Header().Get("ETag") != w.Header().Get("ETag") {
		t.Errorf("then %s", again.Body)
	}
}

func TestASessionMayBeginEmpty(t *testing.T) {
	s := newSite(t)
	for _, body := range []string{"", "{}", `{"user_id":null,"session_data":null}`, `{"session_data":{"title":null,"metadata":null}}`} {
		got := want[sessionJSON](s, 201, request{method: "POST", body: body})
		if got.Title != "" || string(got.Metadata) != "{}" {
			t.Errorf("%q made %+v", body, got)
		}
	}
}

func TestEnsureMakesOnceAndChangesNothingLater(t *testing.T) {
	s := newSite(t)
	first := want[sessionJSON](s, 201, request{method: "PUT", path: "/chat", body: `{"session_data":{"title":"a"}}`})
	second := want[sessionJSON](s, 200, request{method: "PUT", path: "/chat", body: `{"session_data":{"title":"b"}}`})
	if first.Title != "a" || second.Title != "a" || second.Version != 1 {
		t.Errorf("%+v, then %+v", first, second)
	}
}

func TestAnUpdateNeedsTheVersionItWasMadeFor(t *testing.T) {
	s := newSite(t)
	first := s.ensure("chat")
	w := s.do(request{method: "PATCH", path: "/chat", match: first, body: metadata(`{"a":1}`)})
	second := w.Header().Get("ETag")
	if got := read[sessionJSON](t, w); w.Code != 200 || got.Version != 2 || string(got.Metadata) != `{"a":1}` {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for rule, tag := range map[string]string{
		"an older version": first,
		"a weak tag":       "W/" + second,
		"another's tag":    `"x"`,
		"an empty tag":     `""`,
		"no version":       strings.Replace(second, "-2", "-x", 1),
	} {
		if p := want[gateway.Problem](s, 412, request{method: "PATCH", path: "/chat", match: tag, body: `{}`}); p.Field != "If-Match" {
			t.Errorf("%s: %+v", rule, p)
		}
	}
	got := want[sessionJSON](s, 200, request{method: "PATCH", path: "/chat", match: second, body: `{"session_data":{"title":"t"}}`})
	if got.Version != 3 || got.Title != "t" || string(got.Metadata) != `{"a":1}` {
		t.Errorf("what is left out stays: %+v", got)
	}
}

func TestMessagesAreRepeatableByTheirID(t *testing.T) {
	s := newSite(t)
	s.ensure("chat")
	first := want[messageJSON](s, 201, s.say("m1", "hello"))
	if again := want[messageJSON](s, 200, s.say("m1", "hello")); again != first {
		t.Errorf("%+v, then %+v", first, again)
	}
	if p := want[gateway.Problem](s, 409, s.say("m1", "good-bye")); p.Field != "id" {
		t.Errorf("%+v", p)
	}
	want[gateway.Problem](s, 409, request{method: "POST", path: "/chat/messages", body: `{"id":"m1","role":"tool","content":"hello"}`})
	for range 2 {
		want[messageJSON](s, 201, request{method: "POST", path: "/chat/messages", body: `{"role":"assistant","content":"hello"}`})
	}
	wantOrder(t, s.history("200"), 3)
}

func TestSessionsAreTheirOwners(t *testing.T) {
	s := newSite(t)
	tag := s.ensure("chat")
	want[messageJSON](s, 201, s.say("m1", "hello"))
	for _, r := range []request{
		{method: "GET", path: "/chat"},
		{method: "PATCH", path: "/chat", match: tag, body: `{}`},
		{method: "DELETE", path: "/chat"},
		{method: "GET", path: "/chat/messages"},
		{method: "POST", path: "/chat/messages", body: `{"role":"user","content":"x"}`},
	} {
		r.as = "eve"
		if p := want[gateway.Problem](s, 404, r); strings.Contains(p.Detail, "ada") {
			t.Errorf("%+v", p)
		}
	}
	if page := want[pageJSON[sessionJSON]](s, 200, request{method: "GET", as: "eve"}); len(page.Items) != 0 {
		t.Errorf("%+v", page)
	}
	// An owner and an id that together look like hers.
	want[gateway.Problem](s, 404, request{method: "GET", path: "/chat", as: "ada:chat"})
	want[sessionJSON](s, 201, request{method: "PUT", path: "/chat", as: "eve"})
	wantOrder(t, s.history("10"), 1)
}

func TestListsShowTheNewestFirstAndEachOnce(t *testing.T) {
	s := newSite(t)
	var made []string
	for i := range 7 {
		s.at(s.now().Add(1e9))
		made = append([]string{fmt.Sprint("chat", i)}, made...)
		s.ensure(made[0])
	}
	want[sessionJSON](s, 201, request{method: "PUT", path: "/hers", as: "eve"})
	var seen []string
	for path := "?limit=3"; path != ""; {
		page := want[pageJSON[sessionJSON]](s, 200, request{method: "GET", path: path})
		for _, item := range page.Items {
			if item.Metadata != nil {
				t.Errorf("metadata %s", item.Metadata)
			}
			seen = append(seen, item.ID)
		}
		path = ""
		if page.Next != "" {
			path = "?limit=3&page_token=" + page.Next
		}
	}
	if fmt.Sprint(seen) != fmt.Sprint(made) {
		t.Errorf("%v, want %v", seen, made)
	}
}

func TestTokensBelongToTheirList(t *testing.T) {
	s := newSite(t)
	for _, id := range []string{"chat", "other"} {
		s.ensure(id)
	}
	for i := range 3 {
		want[messageJSON](s, 201, s.say(fmt.Sprint("m", i), "hello"))
	}
	sessions := want[pageJSON[sessionJSON]](s, 200, request{method: "GET", path: "?limit=1"}).Next
	messages := want[pageJSON[messageJSON]](s, 200, request{method: "GET", path: "/chat/messages?limit=1"}).Next
	want[pageJSON[messageJSON]](s, 200, request{method: "GET", path: "/chat/messages?limit=2&page_token=" + messages})
	want[sessionJSON](s, 201, request{method: "PUT", path: "/chat", as: "eve"})
	for rule, r := range map[string]request{
		"another owner's sessions":   {path: "?page_token=" + sessions, as: "eve"},
		"another owner's messages":   {path: "/chat/messages?page_token=" + messages, as: "eve"},
		"another session":            {path: "/other/messages?page_token=" + messages},
		"sessions, not messages":     {path: "/chat/messages?page_token=" + sessions},
		"messages, not sessions":     {path: "?page_token=" + messages},
		"a token that was shortened": {path: "?page_token=" + sessions[:len(sessions)-2]},
	} {
		r.method = "GET"
		if p := want[gateway.Problem](s, 400, r); p.Field != "page_token" {
			t.Errorf("%s: %+v", rule, p)
		}
	}
	want[nothing](s, 204, request{method: "DELETE", path: "/chat"})
	s.ensure("chat")
	want[gateway.Problem](s, 400, request{method: "GET", path: "/chat/messages?page_token=" + messages})
}

func TestTimesHaveSixDigits(t *testing.T) {
	s := newSite(t)
	s.ensure("chat")
	w := s.do(s.say("m1", "hello"))
	var m struct {
		CreatedAt string `json:"created_at"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || len(m.CreatedAt) != len("2006-01-02T15:04:05.000000Z") {
		t.Errorf("%v %s", err, w.Body)
	}
}
