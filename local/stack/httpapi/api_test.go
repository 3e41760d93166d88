package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/local/stack/lambda"
)

// function is an integration that answers as told and keeps the event.
type function struct {
	answer string
	err    error
	event  events.APIGatewayV2HTTPRequest
	calls  int
}

func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	f.calls++
	f.event = events.APIGatewayV2HTTPRequest{}
	if err := json.Unmarshal(payload, &f.event); err != nil {
		return nil, err
	}
	return []byte(f.answer), f.err
}

func newAPI(t *testing.T, c Config) *API {
	t.Helper()
	api, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func do(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func TestTheMostSpecificRouteWins(t *testing.T) {
	target := &function{answer: `{"statusCode":200}`}
	var routes []Route
	for _, key := range []string{
		"$default", "ANY /{proxy+}", "GET /pets/{proxy+}", "GET /pets/{id}", "ANY /pets/cat", "GET /pets/dog",
		"POST /pets/{id}/toys/{toy}", "GET /pets",
	} {
		method, path, found := strings.Cut(key, " ")
		if !found {
			path = key
		}
		routes = append(routes, Route{Method: method, Path: path, Target: target})
	}
	api := newAPI(t, Config{Routes: routes})
	cases := []struct {
		rule, method, path, want string
		params                   map[string]string
	}{
		{"a literal beats a variable", "GET", "/pets/dog", "GET /pets/dog", nil},
		{"a variable beats a greedy one", "GET", "/pets/7", "GET /pets/{id}", map[string]string{"id": "7"}},
		{"a literal for ANY beats a variable", "GET", "/pets/cat", "ANY /pets/cat", nil},
		{"a greedy variable takes the rest", "GET", "/pets/7/toys", "GET /pets/{proxy+}", map[string]string{"proxy": "7/toys"}},
		{"the longer greedy prefix wins", "PUT", "/pets/7/toys", "ANY /{proxy+}", map[string]string{"proxy": "pets/7/toys"}},
		{"several variables", "POST", "/pets/7/toys/a%2Fb", "POST /pets/{id}/toys/{toy}", map[string]string{"id": "7", "toy": "a/b"}},
		{"a trailing slash is another path", "GET", "/pets/", "ANY /{proxy+}", map[string]string{"proxy": "pets/"}},
		{"$default takes what is left", "GET", "/", "$default", nil},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			do(api, httptest.NewRequest(c.method, c.path, nil))
			if target.event.RouteKey != c.want || target.event.RequestContext.RouteKey != c.want {
				t.Errorf("route %q, want %q", target.event.RouteKey, c.want)
			}
			if len(c.params)+len(target.event.PathParameters) > 0 && !reflect.DeepEqual(target.event.PathParameters, c.params) {
				t.Errorf("parameters %v, want %v", target.event.PathParameters, c.params)
			}
		})
	}
}

func TestBadRoutesAreRefused(t *testing.T) {
	cases := []struct {
		rule   string
		routes []Route
	}{
		{"no leading slash", []Route{{Method: "GET", Path: "pets"}}},
		{"a greedy variable must be last", []Route{{Method: "GET", Path: "/{proxy+}/a"}}},
		{"a variable needs a name", []Route{{Method: "GET", Path: "/{}"}}},
		{"a variable must be closed", []Route{{Method: "GET", Path: "/{id"}}},
		{"a route appears once", []Route{{Method: "GET", Path: "/a"}, {Method: "GET", Path: "/a"}}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			if _, err := New(Config{Routes: c.routes}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestTheEventIsFormat2(t *testing.T) {
	target := &function{answer: `{"statusCode":200}`}
	now := time.Date(2026, 1, 8, 19, 54, 0, 0, time.UTC)
	api := newAPI(t, Config{
		Routes: []Route{{Method: "POST", Path: "/a/{id}", Target: target}},
		Now:    func() time.Time { return now },
	})
	r := httptest.NewRequest("POST", "/a/x%2Fy?q=1&q=2&z=%20", strings.NewReader(`{"ä":1}`))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Add("X-Many", "one, two")
	r.Header.Add("X-Many", "three")
	r.Header.Set("Cookie", "a=1; b=2")
	do(api, r)
	e := target.event
	check := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", what, got, want)
		}
	}
	check("version", e.Version, "2.0")
	check("raw path", e.RawPath, "/a/x%2Fy")
	check("raw query", e.RawQueryString, "q=1&q=2&z=%20")
	check("query", e.QueryStringParameters, map[string]string{"q": "1,2", "z": " "})
	check("parameters", e.PathParameters, map[string]string{"id": "x/y"})
	check("repeated header", e.Headers["x-many"], "one, two,three")
	check("host", e.Headers["host"], "example.com")
	check("cookies", e.Cookies, []string{"a=1", "b=2"})
	check("cookie header", e.Headers["cookie"], "")
	check("body", e.Body, `{"ä":1}`)
	check("base64", e.IsBase64Encoded, false)
	check("stage", e.RequestContext.Stage, "$default")
	check("time", e.RequestContext.Time, "08/Jan/2026:19:54:00 +0000")
	check("epoch", e.RequestContext.TimeEpoch, now.UnixMilli())
	check("method", e.RequestContext.HTTP.Method, "POST")
	check("id length", len(e.RequestContext.RequestID), 16)
}

func TestWhatIsNotTextIsBase64(t *testing.T) {
	cases := []struct {
		rule, contentType, body string
		want                    bool
	}{
		{"JSON is text", "application/json", "{}", false},
		{"a +json type is text", "application/problem+json", "{}", false},
		{"plain text is text", "text/plain", "a", false},
		{"a form is not", "application/x-www-form-urlencoded", "a=1", true},
		{"an unknown type is not", "application/octet-stream", "a", true},
		{"no type is not", "", "a", true},
		{"broken UTF-8 is not", "application/json", "\xff", true},
		{"nothing is text", "", "", false},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			target := &function{answer: `{"statusCode":200}`}
			api := newAPI(t, Config{Routes: []Route{{Path: "$default", Target: target}}})
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			do(api, r)
			if target.event.IsBase64Encoded != c.want {
				t.Errorf("base64 %t, want %t", target.event.IsBase64Encoded, c.want)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	cases := []struct {
		rule, answer string
		err          error
		wantStatus   int
		wantBody     string
	}{
		{"status, header and body come back", `{"statusCode":201,"headers":{"X-A":"1"},"body":"hi"}`, nil, 201, "hi"},
		{"base64 is decoded", `{"statusCode":200,"headers":{"X-A":"1"},"body":"aGk=","isBase64Encoded":true}`, nil, 200, "hi"},
		{"JSON without a status is the body", `{"a":1}`, nil, 200, `{"a":1}`},
		{"a bare string is the body", `"hi"`, nil, 200, `"hi"`},
		{"what is not JSON is an error", `hi`, nil, 500, `{"message":"Internal Server Error"}`},
		{"bad base64 is an error", `{"statusCode":200,"body":"?","isBase64Encoded":true}`, nil, 500, `{"message":"Internal Server Error"}`},
		{"an unknown status is an error", `{"statusCode":99}`, nil, 500, `{"message":"Internal Server Error"}`},
		{"a status of the wrong type is an error", `{"statusCode":"ok"}`, nil, 500, `{"message":"Internal Server Error"}`},
		{"a function error is 500", "", &lambda.FunctionError{Type: "E"}, 500, `{"message":"Internal Server Error"}`},
		{"a throttled function is 503", "", lambda.ErrThrottled, 503, `{"message":"Service Unavailable"}`},
		{"an event over 6 MB is 413", "", lambda.ErrPayloadTooLarge, 413, `{"message":"Request Entity Too Large"}`},
		{"an unknown error is 500", "", errors.New("?"), 500, `{"message":"Internal Server Error"}`},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			api := newAPI(t, Config{Routes: []Route{{Path: "$default", Target: &function{answer: c.answer, err: c.err}}}})
			got := do(api, httptest.NewRequest("GET", "/", nil))
			if text := body(t, got); got.StatusCode != c.wantStatus || text != c.wantBody {
				t.Errorf("got %d %s, want %d %s", got.StatusCode, text, c.wantStatus, c.wantBody)
			}
			if strings.Contains(c.answer, "X-A") && got.Header.Get("X-A") != "1" {
				t.Error("header X-A is lost")
			}
			if got.Header.Get("Apigw-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

func TestEachCookieIsAHeader(t *testing.T) {
	api := newAPI(t, Config{Routes: []Route{{Path: "$default", Target: &function{answer: `{"statusCode":200,"cookies":["a=1","b=2"]}`}}}})
	got := do(api, httptest.NewRequest("GET", "/", nil)).Header.Values("Set-Cookie")
	if want := []string{"a=1", "b=2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheServiceAnswersItself(t *testing.T) {
	target := &function{answer: `{"statusCode":200}`}
	api := newAPI(t, Config{Routes: []Route{
		{Method: "GET", Path: "/open", Target: target},
		{Method: "POST", Path: "/open", Target: target},
	}})
	cases := []struct {
		rule, method, path string
		size               int
		wantStatus         int
		wantBody           string
	}{
		{"no such path", "GET", "/x", 0, 404, `{"message":"Not Found"}`},
		{"no such method", "DELETE", "/open", 0, 404, `{"message":"Not Found"}`},
		{"a body over 10 MB", "POST", "/open", maxBody + 1, 413, `{"message":"Request Entity Too Large"}`},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			got := do(api, httptest.NewRequest(c.method, c.path, strings.NewReader(strings.Repeat("x", c.size))))
			if text := body(t, got); got.StatusCode != c.wantStatus || text != c.wantBody {
				t.Errorf("got %d %s, want %d %s", got.StatusCode, text, c.wantStatus, c.wantBody)
			}
		})
	}
	if target.calls != 0 {
		t.Errorf("%d calls reached the function", target.calls)
	}
}

func TestTheBucketRefills(t *testing.T) {
	now := time.Unix(0, 0)
	target := &function{answer: `{"statusCode":200}`}
	api := newAPI(t, Config{
		Routes: []Route{
			{Method: "GET", Path: "/stage", Target: target},
			{Method: "GET", Path: "/own", Target: target, Throttle: &Throttle{Rate: 1, Burst: 1}},
		},
		Throttle: Throttle{Rate: 10, Burst: 2},
		Now:      func() time.Time { return now },
	})
	get := func(path string) int { return do(api, httptest.NewRequest("GET", path, nil)).StatusCode }
	steps := []struct {
		rule, path string
		after      time.Duration
		want       int
	}{
		{"the burst passes", "/stage", 0, 200},
		{"up to its last", "/stage", 0, 200},
		{"then it is throttled", "/stage", 0, 429},
		{"a route has its own bucket", "/own", 0, 200},
		{"with its own burst", "/own", 0, 429},
		{"a tenth of a second fills one", "/stage", 100 * time.Millisecond, 200},
		{"and no more", "/stage", 0, 429},
		{"an hour fills the burst only", "/stage", time.Hour, 200},
		{"twice", "/stage", 0, 200},
		{"not thrice", "/stage", 0, 429},
	}
	for _, s := range steps {
		now = now.Add(s.after)
		if got := get(s.path); got != s.want {
			t.Errorf("%s: got %d, want %d", s.rule, got, s.want)
		}
	}
}

// slow never answers.
type slow struct{}

func (slow) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestTheIntegrationTimeoutIs503(t *testing.T) {
	api := newAPI(t, Config{
		Routes: []Route{{Path: "$default", Target: slow{}, Timeout: time.Millisecond}},
	})
	if got := do(api, httptest.NewRequest("GET", "/", nil)).StatusCode; got != 503 {
		t.Errorf("got %d, want 503", got)
	}
}
