package jira

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSlim(t *testing.T) {
	for rule, c := range map[string]struct{ in, out string }{
		"links and pictures are left out":  {`{"a":{"self":"x","iconUrl":"y","avatarUrls":{"1":"z"},"avatarId":1,"entityId":"e","name":"n"}}`, `{"a":{"name":"n"}}`},
		"wherever they are":                {`{"a":[{"b":{"name":"n","self":"x"}},{"self":"x"}]}`, `{"a":[{"b":{"name":"n"}},{}]}`},
		"a field of such a name stays":     {`{"self":{"self":1,"a":2}}`, `{"self":{"a":2}}`},
		"a status needs no description":    {`{"status":{"description":"d","name":"n","statusCategory":{"description":"d"}}}`, `{"status":{"name":"n","statusCategory":{"description":"d"}}}`},
		"nor does a parent's issue type":   {`{"parent":{"fields":{"issuetype":{"name":"n","description":"d"}}}}`, `{"parent":{"fields":{"issuetype":{"name":"n"}}}}`},
		"a version does":                   {`{"fixVersions":[{"description":"d"}]}`, `{"fixVersions":[{"description":"d"}]}`},
		"an issue's own description stays": {`{"description":"d"}`, `{"description":"d"}`},
		"a document stays as it is":        {`{"description":{"type":"doc","content":[{"attrs":{"self":"x"}}]}}`, `{"description":{"type":"doc","content":[{"attrs":{"self":"x"}}]}}`},
		"so do those in a list":            {`{"c":[{"body":{"version":1,"content":[{"self":1}]},"self":"x"}]}`, `{"c":[{"body":{"version":1,"content":[{"self":1}]}}]}`},
		"text that looks like it stays":    {`{"summary":"\"self\":\"x\",\\"}`, `{"summary":"\"self\":\"x\",\\"}`},
		"blanks do no harm":                {" {\n \"a\" : { \"b\" : [ 1 , 2 ] , \"self\" : 1 } , \"c\" : null } ", "{\n \"a\" : { \"b\" : [ 1 , 2 ] } , \"c\" : null }"},
		"what is no JSON is nothing":       {`{"a":01}`, ``},
		"nothing":                          {``, ``},
		"nothing in it":                    {`{}`, `{}`},
		"what is no object":                {`null`, `null`},
		"numbers, truths and nulls":        {`{"a":[-1.5e3,true,false,null,"",[]]}`, `{"a":[-1.5e3,true,false,null,"",[]]}`},
	} {
		if got := string(slim([]byte(c.in))); got != c.out {
			t.Errorf("%s: %s gives %s", rule, c.in, got)
		}
	}
}

// Whatever Jira says, what is passed on is the same without what is left out,
// and what is no JSON is nothing.
func FuzzSlim(f *testing.F) {
	f.Add(`{"status":{"description":"d","self":"x"},"a":[{"iconUrl":1},{"b":{"self":{},"c":"\u00e9\\\""}}]}`)
	f.Add(`{"a":{"x":1,"self":1,"self":2,"y":{"self":3}, "iconUrl" : 4 }}`)
	f.Add(`{"a":-1.5e+3,"b":01,"c":tru}`)
	f.Add(`{"a":{"self":1,"content":{"self":1}}}`)
	f.Add(strings.Repeat("[", 200) + strings.Repeat("]", 200))
	f.Fuzz(func(t *testing.T, in string) {
		out := slim([]byte(in))
		if !json.Valid([]byte(in)) {
			if out != nil {
				t.Fatalf("%q gives %q", in, out)
			}
			return
		}
		var whole, got any
		if json.Unmarshal([]byte(in), &whole) != nil {
			return // numbers that no float64 holds
		}
		if err := json.Unmarshal(out, &got); err != nil || len(out) > len(in) {
			t.Fatalf("%q gives %q: %v", in, out, err)
		}
		if strings.Contains(in, `\`) { // names may be written in other ways
			return
		}
		if want := without(whole, true, thing); !reflect.DeepEqual(got, want) {
			t.Errorf("%q gives %q, want %v", in, out, want)
		}
	})
}

// without is slim on what encoding/json has read.
func without(v any, fields bool, p part) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if !fields && p != whole && p.drops([]byte(name)) {
				delete(v, name)
				continue
			}
			inner := partOf([]byte(name))
			if p == whole {
				inner = whole
			}
			v[name] = without(value, false, inner)
		}
	case []any:
		for i := range v {
			inner := p
			if fields {
				inner = whole
			}
			v[i] = without(v[i], false, inner)
		}
	}
	return v
}

// FuzzSearchAnswer: what is read is what encoding/json reads.
func FuzzSearchAnswer(f *testing.F) {
	f.Add(`{"issues":[{"id":"1","key":"OPS-1","fields":{"a":1},"self":"x"}],"nextPageToken":"n\u0041","isLast":false}`)
	f.Add(`{"issues":null,"isLast":true,"nextPageToken":null}`)
	f.Add(`{"issues":[{}],"x":{"y":[1]}}`)
	f.Add(`{"issues":[null]}`)
	f.Fuzz(func(t *testing.T, in string) {
		var a searchAnswer
		if a.Decode([]byte(in)) != nil {
			return
		}
		var want struct {
			Issues        []struct{ ID, Key string }
			NextPageToken string
			IsLast        any
		}
		if err := json.Unmarshal([]byte(in), &want); err != nil && json.Valid([]byte(in)) {
			return // of other types in what is not looked at
		} else if err != nil {
			t.Fatalf("%q is read: %v", in, err)
		}
		if strings.Contains(in, `\`) || strings.Count(strings.ToLower(in), "issues") > 1 || !utf8.ValidString(in) {
			return // names may be written in other ways, or twice
		}
		c := &Connector{site: "https://site.example.com"}
		for i, found := range a.issues {
			if issue := c.issue(found); i < len(want.Issues) && strings.Count(in, `"id"`)+strings.Count(in, `"key"`) <= 2 &&
				(issue.ID != want.Issues[i].ID || issue.Key != want.Issues[i].Key || issue.URL != c.browse(issue.Key)) {
				t.Errorf("%q gives %+v, want %+v", in, issue, want.Issues[i])
			}
		}
	})
}
