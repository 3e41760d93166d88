package apicheck

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestCheckEvent(t *testing.T) {
	search := func(query, body string, encoded bool) events.APIGatewayV2HTTPRequest {
		event := events.APIGatewayV2HTTPRequest{
			Version: "2.0", RouteKey: "POST /api/v1/jira/search", RawPath: "/api/v1/jira/search", RawQueryString: query,
			Headers: map[string]string{"content-type": "application/json"}, Body: body, IsBase64Encoded: encoded,
		}
		event.RequestContext.HTTP.Method = "POST"
		return event
	}
	found := func(body string, encoded bool) events.APIGatewayV2HTTPResponse {
		return events.APIGatewayV2HTTPResponse{
			StatusCode: 200, Headers: map[string]string{"content-type": "application/json"}, Body: body, IsBase64Encoded: encoded,
		}
	}
	base64Of := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	const jql, none = `{"jql":"x"}`, `{"items":[]}`
	cases := []struct {
		rule     string
		event    events.APIGatewayV2HTTPRequest
		response events.APIGatewayV2HTTPResponse
		want     string // part of the error; empty: none
	}{
		{"what is described passes", search("", jql, false), found(none, false), ""},
		{"in base64 too", search("", base64Of(jql), true), found(base64Of(none), true), ""},
		{"a wrong request is not served", search("", base64Of("{}"), true), found(none, false), "not refused"},
		{"an answer must be described", search("", jql, false), found("[]", false), "answered 200"},
		{"base64 must be base64", search("", jql, true), found(none, false), "POST /api/v1/jira/search: illegal base64"},
	}
	checker := load(t)
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			err := checker.CheckEvent(c.event, c.response)
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
