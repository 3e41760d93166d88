package jsontrim

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	for rule, c := range map[string]struct{ in, out string }{
		"links and pictures are dropped":      {`{"a":{"self":"x","iconUrl":"y","avatarUrls":{"1":"z"},"avatarId":1,"entityId":"e","name":"n"}}`, `{"a":{"name":"n"}}`},
		"at any depth":                        {`{"a":[{"b":{"name":"n","self":"x"}},{"self":"x"}]}`, `{"a":[{"b":{"name":"n"}},{}]}`},
		"a field with such a name stays":      {`{"self":{"self":1,"a":2}}`, `{"self":{"a":2}}`},
		"a status needs no description":       {`{"status":{"description":"d","name":"n","statusCategory":{"description":"d"}}}`, `{"status":{"name":"n","statusCategory":{"description":"d"}}}`},
		"nor does the issue type of a parent": {`{"parent":{"fields":{"issuetype":{"name":"n","description":"d"}}}}`, `{"parent":{"fields":{"issuetype":{"name":"n"}}}}`},
		"a version keeps its description":     {`{"fixVersions":[{"description":"d"}]}`, `{"fixVersions":[{"description":"d"}]}`},
		"an issue's own description stays":    {`{"description":"d"}`, `{"description":"d"}`},
		"a document is copied unchanged":      {`{"description":{"type":"doc","content":[{"attrs":{"self":"x"}}]}}`, `{"description":{"type":"doc","content":[{"attrs":{"self":"x"}}]}}`},
		"so are documents in a list":          {`{"c":[{"body":{"version":1,"content":[{"self":1}]},"self":"x"}]}`, `{"c":[{"body":{"version":1,"content":[{"self":1}]}}]}`},
		"text that looks like a member stays": {`{"summary":"\"self\":\"x\",\\"}`, `{"summary":"\"self\":\"x\",\\"}`},
		"blanks are allowed":                  {" {\n \"a\" : { \"b\" : [ 1 , 2 ] , \"self\" : 1 } , \"c\" : null } ", "{\n \"a\" : { \"b\" : [ 1 , 2 ] } , \"c\" : null }"},
		"invalid JSON is nil":                 {`{"a":01}`, ``},
		"empty input is nil":                  {``, ``},
		"an empty object":                     {`{}`, `{}`},
		"not an object":                       {`null`, `null`},
		"numbers, booleans and nulls":         {`{"a":[-1.5e3,true,false,null,"",[]]}`, `{"a":[-1.5e3,true,false,null,"",[]]}`},
	} {
		if got := string(Fields([]byte(c.in))); got != c.out {
			t.Errorf("%s: %s becomes %s", rule, c.in, got)
		}
	}
}

// Whatever Jira sends, the result is the input without the dropped members, or
// nil if the input is not valid JSON.
func FuzzFields(f *testing.F) {
	f.Add(`{"status":{"description":"d","self":"x"},"a":[{"iconUrl":1},{"b":{"self":{},"c":"\u00e9\\\""}}]}`)
	f.Add(`{"a":{"x":1,"self":1,"self":2,"y":{"self":3}, "iconUrl" : 4 }}`)
	f.Add(`{"a":-1.5e+3,"b":01,"c":tru}`)
	f.Add(`{"a":{"self":1,"content":{"self":1}}}`)
	f.Add(strings.Repeat("[", 200) + strings.Repeat("]", 200))
	f.Fuzz(func(t *testing.T, in string) {
		out := Fields([]byte(in))
		if !json.Valid([]byte(in)) {
			if out != nil {
				t.Fatalf("%q becomes %q", in, out)
			}
			return
		}
		var whole, got any
		if json.Unmarshal([]byte(in), &whole) != nil {
			return // numbers that no float64 holds
		}
		if err := json.Unmarshal(out, &got); err != nil || len(out) > len(in) {
			t.Fatalf("%q becomes %q: %v", in, out, err)
		}
		if strings.Contains(in, `\`) { // names may be written in other ways
			return
		}
		if want := without(whole, true, anything); !reflect.DeepEqual(got, want) {
			t.Errorf("%q becomes %q, want %v", in, out, want)
		}
	})
}

// without is Fields on what encoding/json has read.
func without(v any, fields bool, p part) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if !fields && p != verbatim && p.drops([]byte(name)) {
				delete(v, name)
				continue
			}
			inner := partOf([]byte(name))
			if p == verbatim {
				inner = verbatim
			}
			v[name] = without(value, false, inner)
		}
	case []any:
		for i := range v {
			inner := p
			if fields {
				inner = verbatim
			}
			v[i] = without(v[i], false, inner)
		}
	}
	return v
}
