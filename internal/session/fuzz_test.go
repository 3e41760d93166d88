package session

import (
	"net/http"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

// No request may make a handler fail, or show it another owner's session.
func FuzzRequests(f *testing.F) {
	for _, seed := range []struct{ method, path, body, match string }{
		{"POST", "", `{"session_data":{"title":"a","metadata":{"a":[1,{"b":null}]}}}`, ""},
		{"GET", "?limit=2&page_token=eyJxIjoiIiwibiI6IiJ9", "", ""},
		{"PUT", "/chat", `{"session_data":null}`, ""},
		{"PATCH", "/chat", `{"session_data":{"metadata":{"$set":{"a.b":1}}}}`, `"018f-1"`},
		{"PATCH", "/chat", `{"session_data":{"metadata":"\ud800"}}`, `W/"-9223372036854775808"`},
		{"DELETE", "/chat", "", ""},
		{"GET", "/hers/messages", "", ""},
		{"POST", "/chat/messages", `{"id":"m1","role":"user","content":"\u0000"}`, ""},
		{"GET", "/chat/messages?limit=1&page_token=", "", ""},
		{"GET", "/%00/messages", "", ""},
	} {
		f.Add(seed.method, seed.path, seed.body, seed.match)
	}
	s := newSite(f)
	want[sessionJSON](s, 201, request{method: "PUT", path: "/hers", as: "eve", body: `{"session_data":{"title":"a secret of hers"}}`})
	f.Fuzz(func(t *testing.T, method, path, body, match string) {
		s.t = t
		if _, err := http.NewRequest(method, "/api/v1/sessions"+path, nil); err != nil || strings.ContainsAny(path, " \r\n") {
			return
		}
		s.do(request{method: "PUT", path: "/chat"})
		w := s.do(request{method: method, path: path, body: body, match: match})
		if w.Code >= 500 || strings.Contains(w.Body.String(), "a secret of hers") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if s.count(sessions, bson.D{{Key: "title", Value: "a secret of hers"}}) != 1 {
			t.Error("hers has changed")
		}
	})
}

func FuzzTokens(f *testing.F) {
	f.Add("")
	f.Add(gateway.EncodeToken([]any{"messages", "ada", "chat"}, ":1"))
	f.Add(gateway.EncodeToken([]any{"sessions", "ada"}, "$ne"))
	s := newSite(f)
	s.ensure("chat")
	f.Fuzz(func(t *testing.T, next string) {
		s.t = t
		for path, query := range map[string]any{"": []any{"sessions", "ada"}, "/chat/messages": []any{"messages", "ada", "chat"}} {
			w := s.do(request{method: "GET", path: path + "?page_token=" + gateway.EncodeToken(query, next)})
			if w.Code != 200 && w.Code != 400 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
	})
}

func FuzzTags(f *testing.F) {
	for _, seed := range []string{"", `"`, `""`, `"a-1"`, `W/"a-1"`, `"a-1", "b-2"`, "*", `"a"-1"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if is, ok := parseTag(header); ok && is.life != "" {
			if again, ok := parseTag(is.String()); !ok || again != is {
				t.Errorf("%q is %+v, which is %q", header, is, is.String())
			}
		}
	})
}
