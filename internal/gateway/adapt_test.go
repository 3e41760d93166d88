package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func noFault(t *testing.T) Fault {
	return func(_ context.Context, value any, stack []byte) { t.Errorf("panic: %v\n%s", value, stack) }
}

func get(path string) events.APIGatewayV2HTTPRequest {
	return request(http.MethodGet, path, "")
}

func request(method, path, body string) events.APIGatewayV2HTTPRequest {
	return events.APIGatewayV2HTTPRequest{
		Version: "2.0",
		RawPath: path,
		Body:    body,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			Stage:     "$default",
			RequestID: "gateway-id",
			HTTP:      events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method, SourceIP: "2001:db8::1"},
		},
	}
}

func call(t *testing.T, h http.Handler, event events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := Adapt(h, noFault(t))(context.Background(), event)
	if err != nil {
		t.Fatalf("the Handler returned an error: %v", err)
	}
	return out
}

func problemOf(t *testing.T, out events.APIGatewayV2HTTPResponse) Problem {
	t.Helper()
	if got := out.Headers["Content-Type"]; got != "application/problem+json" {
		t.Fatalf("Content-Type = %q, want a problem; body %q", got, out.Body)
	}
	var p Problem
	if err := json.Unmarshal([]byte(out.Body), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != out.StatusCode {
		t.Errorf("problem's status %d differs from the response's %d", p.Status, out.StatusCode)
	}
	return p
}

func TestRequest(t *testing.T) {
	tests := map[string]struct {
		change func(*events.APIGatewayV2HTTPRequest)
		got    func(*http.Request) any
		want   any
	}{
		"an escaped path survives": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/a%2Fb" },
			func(r *http.Request) any { return []string{r.URL.Path, r.URL.EscapedPath(), r.RequestURI} },
			[]string{"/a/b", "/a%2Fb", "/a%2Fb"},
		},
		"a decoded path is taken literally": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/100% sure? #ü" },
			func(r *http.Request) any { return []string{r.URL.Path, r.URL.RawQuery} },
			[]string{"/100% sure? #ü", ""},
		},
		"the query string survives byte for byte": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "a=1&a=%2F&b=x+y&c" },
			func(r *http.Request) any { return r.URL.RawQuery },
			"a=1&a=%2F&b=x+y&c",
		},
		"cookies are joined": {
			func(e *events.APIGatewayV2HTTPRequest) { e.Cookies = []string{"a=1", "b=2"} },
			func(r *http.Request) any { return r.Header["Cookie"] },
			[]string{"a=1; b=2"},
		},
		"a header's commas do not split it": {
			func(e *events.APIGatewayV2HTTPRequest) {
				e.Headers = map[string]string{"if-modified-since": "Wed, 01 Jan 2025 00:00:00 GMT"}
			},
			func(r *http.Request) any { return r.Header["If-Modified-Since"] },
			[]string{"Wed, 01 Jan 2025 00:00:00 GMT"},
		},
		"the host is the Host header": {
			func(e *events.APIGatewayV2HTTPRequest) {
				e.Headers, e.RequestContext.DomainName = map[string]string{"host": "a.example"}, "b.example"
			},
			func(r *http.Request) any { return r.Host + r.Header.Get("Host") },
			"a.example",
		},
		"or else the API's domain": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.DomainName = "b.example" },
			func(r *http.Request) any { return r.Host },
			"b.example",
		},
		"a base64 body is decoded": {
			func(e *events.APIGatewayV2HTTPRequest) {
				e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte{0, 255}), true
			},
			func(r *http.Request) any { body, _ := io.ReadAll(r.Body); return body },
			[]byte{0, 255},
		},
		"a named stage's prefix is dropped": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawPath, e.RequestContext.Stage = "/prod/x", "prod" },
			func(r *http.Request) any { return r.URL.Path },
			"/x",
		},
		"the stage alone is the root": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawPath, e.RequestContext.Stage = "/prod", "prod" },
			func(r *http.Request) any { return r.URL.Path },
			"/",
		},
		"a path that only begins like the stage stays": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawPath, e.RequestContext.Stage = "/products", "prod" },
			func(r *http.Request) any { return r.URL.Path },
			"/products",
		},
		"the source address is the remote one": {
			func(*events.APIGatewayV2HTTPRequest) {},
			func(r *http.Request) any { return r.RemoteAddr },
			"[2001:db8::1]:0",
		},
		"API Gateway's request context is at hand": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.AccountID = "123" },
			func(r *http.Request) any { rc, _ := RequestContext(r.Context()); return rc.AccountID },
			"123",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			event := get("/")
			test.change(&event)
			called := false
			call(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				called = true
				if got := test.got(r); !reflect.DeepEqual(got, test.want) {
					t.Errorf("got %q, want %q", got, test.want)
				}
			}), event)
			if !called {
				t.Error("the handler was not called")
			}
		})
	}
}

func TestMalformedEvent(t *testing.T) {
	tests := map[string]func(*events.APIGatewayV2HTTPRequest){
		"no version":           func(e *events.APIGatewayV2HTTPRequest) { e.Version = "" },
		"a REST API's version": func(e *events.APIGatewayV2HTTPRequest) { e.Version = "1.0" },
		"no path":              func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "" },
		"no method":            func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "" },
		"no valid method":      func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "G T" },
		"a body not in base64": func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "%", true },
	}
	for name, change := range tests {
		t.Run(name+" is a 400", func(t *testing.T) {
			event := get("/")
			change(&event)
			p := problemOf(t, call(t, http.NotFoundHandler(), event))
			if p.Status != http.StatusBadRequest || p.Type != "urn:coldfuse:problem:malformed-event" || p.Detail == "" {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestResponse(t *testing.T) {
	type response = events.APIGatewayV2HTTPResponse
	tests := map[string]struct {
		handle http.HandlerFunc
		want   response
	}{
		"nothing written is 200": {
			func(http.ResponseWriter, *http.Request) {},
			response{StatusCode: 200, Headers: map[string]string{}},
		},
		"repeated headers are joined, cookies kept apart": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Vary"] = []string{"Accept", "Origin"}
				w.Header()["Set-Cookie"] = []string{"a=1; Expires=Wed, 01 Jan 2025 00:00:00 GMT", "b=2"}
				w.WriteHeader(http.StatusNoContent)
			},
			response{
				StatusCode: 204,
				Headers:    map[string]string{"Vary": "Accept, Origin"},
				Cookies:    []string{"a=1; Expires=Wed, 01 Jan 2025 00:00:00 GMT", "b=2"},
			},
		},
		"text stays text": {
			func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "grüezi") },
			response{
				StatusCode: 200,
				Headers:    map[string]string{"Content-Type": "text/plain; charset=utf-8"},
				Body:       "grüezi",
			},
		},
		"what is not UTF-8 is base64": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "image/png")
				_, _ = w.Write([]byte{0xff, 0xfe})
			},
			response{
				StatusCode:      200,
				Headers:         map[string]string{"Content-Type": "image/png"},
				Body:            "//4=",
				IsBase64Encoded: true,
			},
		},
		"the first final status counts, and the headers of that moment": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusTeapot)
				w.WriteHeader(http.StatusOK)
				w.Header().Set("Too", "late")
			},
			response{StatusCode: 418, Headers: map[string]string{}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := call(t, test.handle, get("/")); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestResponseSize(t *testing.T) {
	tests := map[string]struct {
		body   []byte
		status int
	}{
		"tags count as they are":                        {bytes.Repeat([]byte("<"), maxResponse-1000), 200},
		"quotation marks count twice":                   {bytes.Repeat([]byte(`"`), maxResponse/2), 500},
		"a little under 6 MB passes":                    {bytes.Repeat([]byte("x"), maxResponse-1000), 200},
		"6 MB are too much with what is around them":    {bytes.Repeat([]byte("x"), maxResponse), 500},
		"more is too much":                              {bytes.Repeat([]byte("x"), maxResponse+1), 500},
		"2 MB that JSON makes 12 of are too much":       {bytes.Repeat([]byte{1}, 2<<20), 500},
		"5 MB that base64 makes 6.7 of are too much":    {bytes.Repeat([]byte{0xff}, 5<<20), 500},
		"4 MB that base64 makes 5.3 of pass as a whole": {bytes.Repeat([]byte{0xff}, 4<<20), 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out := call(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(test.body)
			}), get("/"))
			if out.StatusCode != test.status {
				t.Fatalf("status %d, want %d", out.StatusCode, test.status)
			}
			if test.status == 500 && problemOf(t, out).Type != "urn:coldfuse:problem:response-too-large" {
				t.Errorf("got %s", out.Body)
			}
		})
	}
}

func TestPanicIsA500AndReported(t *testing.T) {
	var reported any
	var stack string
	handler := Adapt(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half an answer")
		panic("secret")
	}), func(_ context.Context, value any, s []byte) { reported, stack = value, string(s) })
	for range 2 { // the process lives
		out, err := handler(context.Background(), get("/"))
		if err != nil {
			t.Fatal(err)
		}
		if p := problemOf(t, out); p.Status != 500 || strings.Contains(out.Body, "secret") || strings.Contains(out.Body, "half") {
			t.Errorf("got %s", out.Body)
		}
	}
	if reported != "secret" || !strings.Contains(stack, "TestPanicIsA500AndReported") {
		t.Errorf("reported %v with stack %s", reported, stack)
	}
}

func TestTheProgramsOwnFaultIsA500AndReported(t *testing.T) {
	own := errors.New("a secret of the upstream's")
	var reported any
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Fail(w, r, own) })
	out, err := Adapt(h, func(_ context.Context, value any, stack []byte) {
		if reported = value; len(stack) == 0 {
			t.Error("no stack")
		}
	})(context.Background(), get("/x"))
	if err != nil || out.StatusCode != 500 || reported != own || strings.Contains(out.Body, "secret") {
		t.Errorf("%d %s, reported %v, %v", out.StatusCode, out.Body, reported, err)
	}
}

func TestContextIsTheInvocations(t *testing.T) {
	deadline := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "lambda-id"})
	_, err := Adapt(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got, _ := r.Context().Deadline(); !got.Equal(deadline) {
			t.Errorf("deadline %v, want %v", got, deadline)
		}
		if got := RequestID(r.Context()); got != "lambda-id" {
			t.Errorf("request id %q", got)
		}
	}), noFault(t))(ctx, get("/"))
	if err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentInvocations(t *testing.T) {
	handler := Adapt(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}), noFault(t))
	var group sync.WaitGroup
	for environment := range 8 {
		group.Go(func() {
			for i := range 50 {
				body := fmt.Sprintf("%d of %d", i, environment)
				out, err := handler(context.Background(), request(http.MethodPost, "/", body))
				if err != nil || out.Body != body {
					t.Errorf("got %q, %v, want %q", out.Body, err, body)
				}
			}
		})
	}
	group.Wait()
}

func FuzzAdapt(f *testing.F) {
	for _, event := range []events.APIGatewayV2HTTPRequest{get("/"), get("/a%2Fb"), request("POST", "/x", `{"a":1}`), {}} {
		seed, err := json.Marshal(event)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Add([]byte(`{"version":"2.0","rawPath":"//%zz?#","requestContext":{"stage":"%","http":{"method":"CONNECT"}}}`))
	routes := Routes(map[string]http.HandlerFunc{
		"GET /{path...}": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.PathValue("path")) },
		"POST /x": func(w http.ResponseWriter, r *http.Request) {
			var v map[string]any
			if _, ok := Query(w, r); ok && DecodeJSON(w, r, &v) {
				WriteJSON(w, http.StatusOK, v)
			}
		},
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		var event events.APIGatewayV2HTTPRequest
		if json.Unmarshal(data, &event) != nil {
			return
		}
		out := call(t, routes, event)
		if out.StatusCode < 200 || out.StatusCode > 599 {
			t.Errorf("status %d", out.StatusCode)
		}
	})
}
