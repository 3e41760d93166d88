package atlassian

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestUpstreamMessages(t *testing.T) {
	operators := `Expecting operator but got 'jql'. The valid operators are '=', '!=', '<', '>', '<=', '>='.`
	for rule, c := range map[string]struct {
		body     string
		messages []string
		fields   map[string]string
	}{
		"messages and fields of Jira's":   {`{"errorMessages":["a"],"errors":{"summary":"b"}}`, []string{"a"}, map[string]string{"summary": "b"}},
		"a problem's title and detail":    {`{"type":"about:blank","title":"t","detail":"d","status":405}`, []string{"t", "d"}, nil},
		"errors of Confluence's v2":       {`{"errors":[{"status":400,"code":"INVALID","title":"t","detail":null},{"title":"u","detail":"d"}]}`, []string{"t", "u", "d"}, nil},
		"a message of Confluence's v1":    {`{"statusCode":400,"message":"m","data":{}}`, []string{"m"}, nil},
		"the gateway's words are none":    {`{"code":403,"message":"m"}`, nil, nil},
		"comparison signs are no markup":  {`{"errorMessages":["` + operators + `"]}`, []string{operators}, nil},
		"markup is dropped":               {`{"errorMessages":["see <a href=x>this</a>"],"errors":{"x":"<!-- y -->"}}`, nil, nil},
		"line ends become blanks":         {`{"errorMessages":["a\nb\u0000c"]}`, []string{"a bc"}, nil},
		"text that turns the line":        {`{"errorMessages":["a\u202eb"]}`, []string{"ab"}, nil},
		"long text is cut":                {`{"errorMessages":["` + strings.Repeat("x", 1000) + `"]}`, []string{strings.Repeat("x", maxText) + "…"}, nil},
		"members of other types":          {`{"errorMessages":["a"],"errors":["b"],"title":1}`, []string{"a"}, nil},
		"fields that are no text":         {`{"errors":{"a":{"b":1},"c":"d"}}`, nil, map[string]string{"c": "d"}},
		"a class of Java's is left out":   {`{"statusCode":400,"message":"com.atlassian.confluence.api.service.exceptions.api.BadRequestException: Could not parse cql : foo = 1"}`, []string{"Could not parse cql : foo = 1"}, nil},
		"so is one in another":            {`{"errorMessages":["java.lang.RuntimeException: com.atlassian.x.Outer$InnerException: a: b"],"errors":{"f":"java.io.IOError: c"}}`, []string{"a: b"}, map[string]string{"f": "c"}},
		"a class alone says nothing":      {`{"errorMessages":[" java.lang.NullPointerException "]}`, nil, nil},
		"other words before a colon stay": {`{"errorMessages":["Error in query: a.b.C: d","customfield_1.Exception: e"]}`, []string{"Error in query: a.b.C: d", "customfield_1.Exception: e"}, nil},
		"HTML":                            {`<html><body>down`, nil, nil},
		"nothing":                         {``, nil, nil},
		"null":                            {`null`, nil, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			messages, fields := upstreamMessages([]byte(c.body))
			if !slices.Equal(messages, c.messages) || !maps.Equal(fields, c.fields) {
				t.Errorf("got %q, %q", messages, fields)
			}
		})
	}
}
