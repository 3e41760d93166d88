package apicheck

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const root = "../../.."

func load(t *testing.T) *Checker {
	t.Helper()
	c, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answer is what a function or API Gateway might say: the content type's end,
// more headers as name and value, and the body.
func answer(status int, contentType, body string, headers ...string) Answer {
	h := http.Header{"Content-Type": {"application/" + contentType}, "Cache-Control": {"no-store"}}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return Answer{status, h, []byte(body)}
}

func TestCheck(t *testing.T) {
	const (
		server = "GET /api/v1/jira/server-info"
		types  = "GET /api/v1/jira/issue-types"
		search = "POST /api/v1/jira/search"
		health = "GET /api/v1/resilience/health"
		jql    = `{"jql":"project = OPS"}`
		task   = `{"id":"1","name":"Task","description":"","subtask":false`
		busy   = `{"type":"urn:coldfuse:problem:busy","title":"Busy","status":503,"retry_after_seconds":1}`
		wrong  = `{"type":"urn:coldfuse:problem:invalid-request","title":"Invalid request","status":400}`
		failed = `{"message":"Internal Server Error"}`
	)
	cases := []struct {
		rule    string
		request string
		body    string
		answer  Answer
		want    string // part of the error; empty: none
	}{
		{"what is described passes", types, "", answer(200, "json", `{"items":[`+task+`}]}`), ""},
		{"a status must be described", types, "", answer(201, "json", `{"items":[]}`), "GET /api/v1/jira/issue-types answered 201: status is not supported"},
		{"so must a content type", types, "", answer(200, "xml", "<items/>"), `"application/xml"`},
		{"a field must not be missing", types, "", answer(200, "json", `{"items":[{"id":"1"}]}`), "/items/0/name"},
		{"a field must be described", types, "", answer(200, "json", `{"items":[`+task+`,"icon":"x"}]}`), "icon"},
		{"a list is not null", types, "", answer(200, "json", `{"items":null}`), "items"},
		{"a body must be JSON", types, "", answer(200, "json", "{"), "decode"},
		{"a header must be described", types, "", answer(200, "json", `{"items":[]}`, "X-Powered-By", "curl"), "X-Powered-By"},
		{"a described header has the form described", types, "", answer(503, "problem+json", busy, "Retry-After", "soon"), "Retry-After"},
		{"a described header passes in any case", "DELETE /api/v1/sessions/x", "", answer(401, "json", `{"message":"Unauthorized"}`, "www-authenticate", "Bearer"), ""},
		{"fields of an issue are anything", search, jql, answer(200, "json", `{"items":[{"id":"1","key":"A-1","url":"u","fields":{"x":1}}]}`), ""},
		{"times have six digits", health, "", answer(200, "json", strings.Replace(healthy, "000000Z", "000Z", 1)), "timestamp"},
		{"an alternative passes", health + "?strict=true", "", answer(503, "json", healthy), ""},

		{"a problem passes", types, "", answer(503, "problem+json", busy, "Retry-After", "1"), ""},
		{"its type must be described", types, "", answer(400, "problem+json", `{"type":"urn:coldfuse:problem:odd","title":"Odd","status":400}`), "type"},
		{"its status is the answer's", types, "", answer(502, "problem+json", busy), "status 503"},
		{"a 503 says when to come back", types, "", answer(503, "problem+json", busy), "Retry-After"},
		{"in both places the same", types, "", answer(503, "problem+json", busy, "Retry-After", "2"), "Retry-After is 2"},

		{"a wrong query is refused", types + "?project_id=x", "", answer(400, "problem+json", wrong), ""},
		{"and not served", types + "?project_id=x", "", answer(200, "json", `{"items":[]}`), "not refused"},
		{"a wrong body is not served", search, `{"jql":"x","jqll":"y"}`, answer(200, "json", `{"items":[]}`), "not refused"},
		{"nor handed on", search, `{"jql":""}`, answer(503, "problem+json", busy, "Retry-After", "1"), "not refused"},
		{"a missing body is not served", search, "", answer(200, "json", `{"items":[]}`), "not refused"},
		{"a wrong path is not served", "GET /api/v1/jira/issues/-", "", answer(200, "json", `{"id":"1","key":"A-1","url":"u"}`), "not refused"},
		{"that API Gateway fails is no matter", search, "{}", answer(500, "json", failed), ""},
		{"null is as good as nothing", search, `{"jql":"x","limit":null}`, answer(200, "json", `{"items":[]}`), ""},

		{"a path without a description is not found", "GET /x", "", answer(404, "json", `{"message":"Not Found"}`), ""},
		{"and never served", "GET /x", "", answer(200, "json", "{}"), "GET /x answered 200: status is not supported"},
		{"a method without one is not allowed", "PUT /api/v1/jira/server-info", "", answer(405, "problem+json", `{"type":"about:blank","title":"Method Not Allowed","status":405}`, "Allow", "GET"), ""},
		{"and says which are", "PUT /api/v1/jira/server-info", "", answer(405, "problem+json", `{"type":"about:blank","title":"Method Not Allowed","status":405}`), `"Allow" missing`},
		{"a parameter is part of a path", server + "/x", "", answer(200, "json", "{}"), "status is not supported"},
		{"the description is YAML", "GET /api/v1/openapi.yaml", "", answer(200, "yaml", "openapi: 3.1.1"), ""},
	}
	checker := load(t)
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			method, target, _ := strings.Cut(c.request, " ")
			r := httptest.NewRequest(method, target, strings.NewReader(c.body))
			err := checker.Check(r, c.answer)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

const healthy = `{"status":"healthy","timestamp":"2026-01-08T19:54:00.000000Z","total_circuits":2,` +
	`"circuits_by_state":{"closed":2,"open":0,"half_open":0},"open_circuits":[]}`
