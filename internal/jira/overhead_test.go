package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/idempotency"
	"github.com/coldfuse/coldfuse/internal/idempotency/memstore"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	circuitstore "github.com/coldfuse/coldfuse/pkg/breaker/memstore"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// canned is a Jira that always sends one answer, at no cost.
type canned string

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: cannedHeader, ContentLength: int64(len(c)), Body: io.NopCloser(strings.NewReader(string(c))), Request: r,
	}, nil
}

var cannedHeader = http.Header{"Content-Type": {"application/json;charset=UTF-8"}, "Atl-Traceid": {"trace-1"}}

// page returns a search's answer of 50 issues with the default fields, in the form
// of Jira Cloud.
func page() canned {
	const site = "https://example.atlassian.net"
	issues := make([]string, 50)
	for n := range issues {
		avatar := "https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/5b10a2844c20165700ede21g/3f2d7f2c-0000-4000-8000-4f6f8a1b2c3d/"
		issues[n] = fmt.Sprintf(`{"expand":"operations,versionedRepresentations,editmeta,changelog,renderedFields","id":"%[1]d","self":"%[2]s/rest/api/3/issue/%[1]d","key":"OPS-%[3]d","fields":{`+
			`"summary":"The nightly import loses the last entry of the price list (%[3]d)",`+
			`"issuetype":{"self":"%[2]s/rest/api/3/issuetype/10002","id":"10002","description":"Tasks track small, distinct pieces of work.","iconUrl":"%[2]s/rest/api/2/universal_avatar/view/type/issuetype/avatar/10318?size=medium","name":"Task","subtask":false,"avatarId":10318,"entityId":"9d7dd6f7-e8b6-4247-954b-7b2c9b2a5ba2","hierarchyLevel":0},`+
			`"created":"2026-10-21T09:41:23.512+0200",`+
			`"priority":{"self":"%[2]s/rest/api/3/priority/3","iconUrl":"%[2]s/images/icons/priorities/medium.svg","name":"Medium","id":"3"},`+
			`"assignee":{"self":"%[2]s/rest/api/3/user?accountId=5b10a2844c20165700ede21g","accountId":"5b10a2844c20165700ede21g","emailAddress":"someone.of.the.team@example.com","avatarUrls":{"48x48":"%[4]s48","24x24":"%[4]s24","16x16":"%[4]s16","32x32":"%[4]s32"},"displayName":"Someone of the Team","active":true,"timeZone":"Europe/Berlin","accountType":"atlassian"},`+
			`"updated":"2026-11-20T17:02:11.004+0100",`+
			`"status":{"self":"%[2]s/rest/api/3/status/10001","description":"This issue is being actively worked on at the moment by the assignee.","iconUrl":"%[2]s/","name":"In Progress","id":"10001","statusCategory":{"self":"%[2]s/rest/api/3/statuscategory/4","id":4,"key":"indeterminate","colorName":"yellow","name":"In Progress"}}}}`,
			10_000+n, site, n+1, avatar)
	}
	return canned(`{"issues":[` + strings.Join(issues, ",") + `],"nextPageToken":"Ch0jU3RyaW5nJlQxQlQmSW50JlVrVk1KUT09EGQ","isLast":false}`)
}

// handlerOf is the connector on answers that need no network, with records.
func handlerOf(tb testing.TB, answer http.RoundTripper) http.Handler {
	tb.Helper()
	classify := atlassian.Classify(false)
	circuit, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: Circuit}, Store: circuitstore.New(), Classify: classify})
	if err != nil {
		tb.Fatal(err)
	}
	g, err := guard.New(guard.Config{
		Breaker: circuit, TryTimeout: tryTimeout, Operations: Operations, Classify: classify, Retryable: atlassian.Retryable, Retry: retry.Policy{},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return handlerBehind(g, answer, memstore.New())
}

// handlerBehind is the connector with a guard.
func handlerBehind(g *guard.Guard, answer http.RoundTripper, store idempotency.Store) http.Handler {
	keyring := atlassian.NewKeyring(func(context.Context) (atlassian.Credentials, error) {
		return atlassian.Credentials{Email: "me@example.com", Token: "t"}, nil
	})
	_ = keyring.Read(context.Background()) // cannot fail
	base, _ := url.Parse("https://site.example.com")
	client := atlassian.New(atlassian.Config{Base: base, Auth: atlassian.Basic, Keys: keyring, Transport: answer})
	return Handler(New(client, g, base).WithKeys(idempotency.New(idempotency.Config{Store: store})))
}

// function is the whole function as Lambda calls it, but for the network.
func function(tb testing.TB, answer http.RoundTripper) gateway.Handler {
	tb.Helper()
	return gateway.Adapt(handlerOf(tb, answer), func(_ context.Context, v any, _ []byte) { tb.Error(v) })
}

func searchEvent() events.APIGatewayV2HTTPRequest {
	var e events.APIGatewayV2HTTPRequest
	e.Version, e.RawPath, e.RequestContext.HTTP.Method = "2.0", "/api/v1/jira/search", http.MethodPost
	e.Headers = map[string]string{"content-type": "application/json", "host": "example.com"}
	e.Body = `{"jql":"project = OPS ORDER BY created DESC","limit":50}`
	return e
}

// A page of 50 issues with default fields is small, and costs little: what a
// function answers is paid for by the millisecond.
func TestASearchIsSmallAndCheap(t *testing.T) {
	const maxBytes, maxAllocations = 40_000, 250
	answer := page()
	serve, event := function(t, answer), searchEvent()
	out, err := serve(t.Context(), event)
	if err != nil || out.StatusCode != 200 || len(out.Body) > maxBytes {
		t.Fatalf("%d, %d bytes of Jira's %d, %v", out.StatusCode, len(out.Body), len(answer), err)
	}
	var decoded struct{ Items []Issue }
	if err := json.Unmarshal([]byte(out.Body), &decoded); err != nil || len(decoded.Items) != 50 {
		t.Errorf("%d items, %v", len(decoded.Items), err)
	}
	allocations := testing.AllocsPerRun(100, func() { _, _ = serve(context.Background(), event) })
	if allocations > maxAllocations && !raceDetector {
		t.Errorf("%.0f allocations", allocations)
	}
	t.Logf("%d bytes of Jira's %d, %.0f allocations", len(out.Body), len(answer), allocations)
}

func BenchmarkSearch(b *testing.B) {
	serve, event := function(b, page()), searchEvent()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := serve(context.Background(), event); err != nil {
			b.Fatal(err)
		}
	}
}
