package atlassian

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestAnswers(t *testing.T) {
	const failed, rejectedOutcome = `{"errorMessages":["no"],"errors":{}}`, "AUTHENTICATED_FAILED"
	for rule, c := range map[string]struct {
		handler   http.HandlerFunc
		changes   bool
		reason    string
		retryable bool
		ambiguous bool
		counts    bool // as a failure of the service
	}{
		"a 200 with the login header is an authentication error": {
			answering(200, map[string]string{"X-Seraph-LoginReason": rejectedOutcome}, `{}`), false, "unauthorized", false, false, false},
		"the login header is trusted with a 400 too": {
			answering(400, map[string]string{"X-Seraph-LoginReason": rejectedOutcome}, failed), true, "unauthorized", false, false, false},
		"an outage is one for anonymous callers too": {
			answering(503, map[string]string{"X-Seraph-LoginReason": rejectedOutcome}, ""), false, "http_503", true, false, true},
		"a change that was made for an anonymous caller is not repeated": {
			answering(201, map[string]string{"X-Seraph-LoginReason": rejectedOutcome}, `{}`), true, "unauthorized", false, true, false},
		"a 401 is an authentication error":             {answering(401, nil, ""), false, "unauthorized", false, false, false},
		"a 400 is the caller's":                        {answering(400, nil, failed), false, "http_400", false, false, false},
		"a 404 is the caller's":                        {answering(404, nil, failed), false, "http_404", false, false, false},
		"a 410 is lasting":                             {answering(410, nil, failed), false, "http_410", false, false, false},
		"a 408 passes":                                 {answering(408, nil, ""), false, "http_408", true, false, true},
		"a 425 passes":                                 {answering(425, nil, ""), false, "http_425", true, false, true},
		"a 429 passes, for a change too":               {answering(429, nil, ""), true, "rate_limited", true, false, true},
		"a 500 of a read passes":                       {answering(500, nil, "<html>"), false, "http_500", true, false, true},
		"a 502 of a read passes":                       {answering(502, nil, ""), false, "http_502", true, false, true},
		"a 503 of a read passes":                       {answering(503, nil, ""), false, "http_503", true, false, true},
		"a 504 of a read passes":                       {answering(504, nil, ""), false, "http_504", true, false, true},
		"a 501 is lasting":                             {answering(501, nil, ""), false, "http_501", false, false, true},
		"a 500 of a change may have been performed":    {answering(500, nil, ""), true, "http_500", false, true, true},
		"a 503 of a change may have been performed":    {answering(503, nil, ""), true, "http_503", false, true, true},
		"a 408 of a change may have been performed":    {answering(408, nil, ""), true, "http_408", false, true, true},
		"a 400 of a change was not performed":          {answering(400, nil, failed), true, "http_400", false, false, false},
		"HTML with a 200 is no answer":                 {answering(200, map[string]string{"Content-Type": "text/html"}, "<html>login"), false, "bad_response", false, false, true},
		"JSON that breaks off is no answer":            {answering(200, nil, `{"a":`), false, "bad_response", false, false, true},
		"a bad answer to a change leaves it open":      {answering(201, nil, `{"a":`), true, "bad_response", false, true, true},
		"a redirect is not followed":                   {answering(302, map[string]string{"Location": "/elsewhere"}, ""), false, "bad_response", false, false, true},
		"an answer of any size is not read to its end": {answering(200, nil, `"`+strings.Repeat("x", maxAnswer+1)+`"`), false, "too_large", false, false, false},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, Basic, c.handler)
			r := get
			r.Changes = c.changes
			var v any
			e, ok := errors.AsType[*Error](s.client.Do(context.Background(), r, &v))
			if !ok || e.Reason != c.reason || e.Retryable() != c.retryable || e.Ambiguous != c.ambiguous {
				t.Fatalf("got %+v, retryable %v", e, ok && e.Retryable())
			}
			if s.requests.Load() != 1 {
				t.Errorf("%d requests", s.requests.Load())
			}
			if got := Classify(false)(e).Verdict == breaker.Failed; got != c.counts {
				t.Errorf("counts as a failure: %v", got)
			}
			if Classify(true)(e).Verdict != breaker.Failed {
				t.Error("with client errors counted, every error is a failure")
			}
		})
	}
}

func TestNetworkFailures(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does a server notice that the client leaves
		<-r.Context().Done()
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	for rule, c := range map[string]struct {
		handler   http.HandlerFunc
		closed    bool
		changes   bool
		reason    string
		retryable bool
	}{
		"a read that times out passes":                        {hang, false, false, "timeout", true},
		"a change that times out may have been performed":     {hang, false, true, "timeout", false},
		"a read that is cut off passes":                       {cut, false, false, "connection", true},
		"a change that is cut off may have been performed":    {cut, false, true, "connection", false},
		"a change that never reached the service is repeated": {cut, true, true, "connection", true},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, Basic, c.handler)
			if c.closed {
				s.Close()
			}
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			r := Request{Method: http.MethodPost, Path: "/x", Body: map[string]int{"a": 1}, Changes: c.changes}
			var v any
			err := s.client.Do(ctx, r, &v)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Reason != c.reason || Retryable(err) != c.retryable {
				t.Errorf("got %v (%+v), retryable %v", err, e, Retryable(err))
			}
			if c.changes && s.requests.Load() > 1 {
				t.Errorf("net/http sent a change %d times", s.requests.Load())
			}
		})
	}
}

// net/http repeats a POST by itself if it carries an Idempotency-Key and a
// reused connection dies.
func TestNoHeaderMakesNetHTTPRepeatARequest(t *testing.T) {
	s := newSite(t, Basic, func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.Contains(strings.ToLower(name), "idempotency") {
				t.Errorf("sent %s", name)
			}
		}
		answering(200, nil, `{}`)(w, r)
	})
	var v any
	if err := s.client.Do(context.Background(), Request{Method: http.MethodPost, Path: "/x", Body: 1, Changes: true}, &v); err != nil {
		t.Error(err)
	}
}

func TestCredentialsGoToTheOriginOnly(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a request left for another origin")
	}))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, target := range []string{elsewhere.URL, "//" + strings.TrimPrefix(elsewhere.URL, "http://"), "/elsewhere"} {
			s := newSite(t, Basic, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, status) })
			var v any
			for _, r := range []Request{get, {Method: http.MethodPost, Path: "/x", Body: 1, Changes: true}} {
				if err := s.client.Do(context.Background(), r, &v); err == nil {
					t.Errorf("a %d was taken for an answer", status)
				}
			}
			if s.requests.Load() != 2 {
				t.Errorf("a %d to %s was followed", status, target)
			}
		}
	}
}

func TestAuthorization(t *testing.T) {
	for rule, c := range map[string]struct {
		auth   Auth
		public bool
		want   string
	}{
		"basic sends email and token":    {Basic, false, "Basic bWVAZXhhbXBsZS5jb206b2xk"},
		"bearer sends the token":         {Bearer, false, "Bearer old"},
		"a public request sends neither": {Basic, true, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, c.auth, func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Authorization"); got != c.want {
					t.Errorf("sent %q", got)
				}
				answering(200, nil, `{}`)(w, r)
			})
			r := get
			r.Public = c.public
			var v any
			if err := s.client.Do(context.Background(), r, &v); err != nil {
				t.Error(err)
			}
		})
	}
}

// accepting accepts one token.
func accepting(token string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if password != token {
			w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
		}
		answering(200, nil, `{}`)(w, r)
	}
}

func TestARotatedTokenIsReadOnceAndUsed(t *testing.T) {
	s := newSite(t, Basic, accepting("new"))
	s.secret.Store(&Credentials{Email: "me@example.com", Token: "new"})
	var v any
	for range 3 {
		if err := s.client.Do(context.Background(), get, &v); err != nil {
			t.Fatal(err)
		}
	}
	if s.reads.Load() != 2 || s.requests.Load() != 4 || s.rejections.Load() != 1 {
		t.Errorf("%d reads, %d requests, %d rejections", s.reads.Load(), s.requests.Load(), s.rejections.Load())
	}
}

func TestARevokedTokenIsReadAgainOnceAMinute(t *testing.T) {
	s := newSite(t, Basic, accepting("other"))
	var v any
	for range 10 {
		if err := s.client.Do(context.Background(), get, &v); !IsRejected(err) {
			t.Fatalf("got %v", err)
		}
	}
	if s.reads.Load() != 2 || s.requests.Load() != 10 || s.rejections.Load() != 10 {
		t.Errorf("%d reads, %d requests, %d rejections", s.reads.Load(), s.requests.Load(), s.rejections.Load())
	}
	s.clock.Store(time.Minute.Milliseconds())
	_ = s.client.Do(context.Background(), get, &v)
	if s.reads.Load() != 3 {
		t.Errorf("%d reads after a minute", s.reads.Load())
	}
}

func TestAForbiddenBearerTokenIsReadAgain(t *testing.T) {
	s := newSite(t, Bearer, func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusForbidden
		if r.Header.Get("Authorization") == "Bearer new" {
			status = http.StatusOK
		}
		answering(status, nil, `{}`)(w, r)
	})
	s.secret.Store(&Credentials{Token: "new"})
	var v any
	if err := s.client.Do(context.Background(), get, &v); err != nil {
		t.Error(err)
	}
}

// Confluence answers 403 to a wrong pair.
func TestA403AboutTheAccountIsARejection(t *testing.T) {
	s := newSite(t, Basic, answering(403, nil, `{"message":"Current user not permitted to use Confluence"}`))
	var v any
	r := get
	if err := s.client.Do(context.Background(), r, &v); IsRejected(err) || s.reads.Load() != 1 || s.rejections.Load() != 0 {
		t.Errorf("about a thing: %v, %d reads, %d rejections", err, s.reads.Load(), s.rejections.Load())
	}
	r.AboutAccount = true
	if err := s.client.Do(context.Background(), r, &v); !IsRejected(err) || s.reads.Load() != 2 || s.rejections.Load() != 1 {
		t.Errorf("about the account: %v, %d reads, %d rejections", err, s.reads.Load(), s.rejections.Load())
	}
}

func TestPathsStayBelowTheBase(t *testing.T) {
	s := newSite(t, Basic, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/ex/jira/abc/rest/api/3/issue/A%2F..%2FB?fields=a%2Cb" {
			t.Errorf("requested %s", r.RequestURI)
		}
		answering(200, nil, `{}`)(w, r)
	})
	base, _ := url.Parse(s.URL + "/ex/jira/abc")
	s.client.base = base
	var v any
	r := Request{Method: http.MethodGet, Path: "/rest/api/3/issue/" + url.PathEscape("A/../B"), Query: url.Values{"fields": {"a,b"}}}
	if err := s.client.Do(context.Background(), r, &v); err != nil {
		t.Error(err)
	}
}

// selfReader reads an answer for itself.
type selfReader struct {
	body  string
	trace string
}

func (r *selfReader) ReadHeader(h http.Header) { r.trace = h.Get("Atl-Traceid") }

func (r *selfReader) Decode(body []byte) error {
	r.body = string(body)
	if r.body != `{"a":1}` {
		return errors.New("no answer")
	}
	return nil
}

func TestAnAnswerIsDecodedByItsOwnType(t *testing.T) {
	s := newSite(t, Basic, answering(200, map[string]string{"Atl-Traceid": "t"}, `{"a":1}`))
	var v selfReader
	if err := s.client.Do(t.Context(), get, &v); err != nil || v != (selfReader{`{"a":1}`, "t"}) {
		t.Errorf("%+v, %v", v, err)
	}
	s = newSite(t, Basic, answering(200, nil, `{"a":`))
	if e, ok := errors.AsType[*Error](s.client.Do(t.Context(), get, &v)); !ok || e.Reason != "bad_response" {
		t.Errorf("got %+v", e)
	}
}

func TestAnswersOfTheGatewayItself(t *testing.T) {
	const product = `{"errorMessages":["You do not have the permission"],"errors":{}}`
	const confluence = `{"errors":[{"status":404,"code":"NOT_FOUND","title":"Not Found","detail":null}]}`
	for rule, c := range map[string]struct {
		path   string
		auth   Auth
		status int
		body   string
		reason string
	}{
		"401 is a rejection":                       {"/ex/jira/abc", Bearer, 401, `{"code":401,"message":"Unauthorized"}`, "unauthorized"},
		"403 in the gateway's words is one":        {"/ex/jira/abc", Bearer, 403, `{"code":403,"message":"Forbidden"}`, "unauthorized"},
		"404 is, as for another site's token":      {"/ex/confluence/abc", Bearer, 404, `{"status":404,"error":"Not Found","path":"/ex/confluence/abc"}`, "unauthorized"},
		"in HTML too":                              {"/ex/jira/abc", Basic, 403, `<html>`, "unauthorized"},
		"Jira's 403 is about what is asked for":    {"/ex/jira/abc", Bearer, 403, product, "http_403"},
		"so is Confluence's 404":                   {"/ex/confluence/abc", Bearer, 404, confluence, "http_404"},
		"a site has no gateway's words":            {"", Basic, 404, `<html>`, "http_404"},
		"a change that is rejected was not made":   {"/ex/jira/abc", Basic, 403, ``, "unauthorized"},
		"a rejection of a site is a header's word": {"", Basic, 403, ``, "http_403"},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, c.auth, answering(c.status, nil, c.body))
			s.client.base, _ = url.Parse(s.URL + c.path)
			var v any
			e, ok := errors.AsType[*Error](s.client.Do(context.Background(), Request{Method: http.MethodPost, Path: "/x", Changes: true}, &v))
			if !ok || e.Reason != c.reason || e.Ambiguous || e.Retryable() {
				t.Errorf("got %+v", e)
			}
			if rejections := s.rejections.Load(); (rejections > 0) != (c.reason == "unauthorized") {
				t.Errorf("%d rejections reported", rejections)
			}
		})
	}
}

// The gateway lets nobody in without credentials, whatever is public at a site.
func TestAPublicRequestThroughTheGatewayHasCredentials(t *testing.T) {
	s := newSite(t, Basic, func(w http.ResponseWriter, r *http.Request) {
		if _, _, sent := r.BasicAuth(); !sent {
			t.Error("no credentials were sent")
		}
		answering(200, nil, `{}`)(w, r)
	})
	s.client.base, _ = url.Parse(s.URL + "/ex/jira/abc")
	var v any
	if err := s.client.Do(t.Context(), Request{Method: http.MethodGet, Path: "/x", Public: true}, &v); err != nil {
		t.Error(err)
	}
}

func TestAnUnknownCertificateIsATLSFailure(t *testing.T) {
	tls := httptest.NewUnstartedServer(answering(200, nil, `{}`))
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	s := newSite(t, Basic, answering(200, nil, `{}`))
	s.client.base, _ = url.Parse(tls.URL)
	var v any
	err := s.client.Do(context.Background(), get, &v)
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != "tls" || e.Retryable() {
		t.Errorf("got %v", err)
	}
}

func TestTheCallersCancellationIsNeutral(t *testing.T) {
	s := newSite(t, Basic, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	var v any
	err := s.client.Do(ctx, get, &v)
	if got := Classify(false)(err).Verdict; got != breaker.Neutral {
		t.Errorf("%v is %d", err, got)
	}
}

func TestErrorsShowNoSecret(t *testing.T) {
	s := newSite(t, Basic, answering(500, nil, "old"))
	s.Close()
	var v any
	err := s.client.Do(context.Background(), get, &v)
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), "old") || strings.Contains(err.Error(), "bWVA") {
			t.Errorf("%v", err)
		}
	}
}

// A connection that died while the function was frozen would leave open whether
// a change was made.
func TestAChangeHasItsOwnConnection(t *testing.T) {
	for changes, most := range map[bool]int{false: 1, true: 3} {
		var mu sync.Mutex
		connections := make(map[string]bool)
		s := newSite(t, Basic, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			connections[r.RemoteAddr] = true
			answering(200, nil, `{}`)(w, r)
		})
		for range 3 {
			var v any
			if err := s.client.Do(t.Context(), Request{Method: http.MethodPost, Path: "/x", Body: 1, Changes: changes}, &v); err != nil {
				t.Fatal(err)
			}
		}
		if len(connections) != most {
			t.Errorf("changes %v: %d connections for 3 requests", changes, len(connections))
		}
	}
}
