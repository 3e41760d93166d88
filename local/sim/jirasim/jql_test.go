package jirasim

import (
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/querylang"
)

func TestJQLFinds(t *testing.T) {
	cases := []struct {
		rule, jql string
		count     int
		first     string // key
	}{
		{"a project by key", "project = OPS", 60, "OPS-60"},
		{"a project by id", "project = 10001", 60, "WEB-60"},
		{"a project by name in any case", `Project = "web SHOP"`, 60, "WEB-60"},
		{"not a project", "project != OPS", 60, "WEB-60"},
		{"one key", "key = ops-7", 1, "OPS-7"},
		{"an id", "id = 10003", 1, "OPS-2"},
		{"keys in a list", "issuekey IN (OPS-1, 'WEB-2')", 2, "WEB-2"},
		{"keys not in a list", "project = OPS and key not in (OPS-1, OPS-2)", 58, "OPS-60"},
		{"a label", `labels = "incident"`, 30, "WEB-60"},
		{"without labels is not another label", "labels != incident", 60, "OPS-60"},
		{"no labels", "labels is empty", 30, "OPS-59"},
		{"any labels", "labels IS NOT EMPTY", 90, "WEB-60"},
		{"a status", "status = 'In Progress'", 40, "OPS-60"},
		{"a type", "project = OPS AND type = Bug", 30, "OPS-60"},
		{"a priority", "priority in (Highest, High)", 48, "OPS-59"},
		{"a word of the text", "text ~ invoice", 17, "OPS-58"},
		{"all words, in any order", `summary ~ "load checkout"`, 4, "WEB-53"},
		{"the description only", `description ~ "on call"`, 120, "WEB-60"},
		{"not a word", "summary !~ invoice", 103, "WEB-60"},
		{"a period", "created >= -1d", 4, "WEB-60"},
		{"a period of several units", `created >= "-1d 12h"`, 6, "WEB-60"},
		{"a date", "created < 2026-10-05", 2, "WEB-1"},
		{"a time to the minute", `created <= "2026/10/04 12:00"`, 1, "OPS-1"},
		{"order by key", "project = OPS ORDER BY key", 60, "OPS-1"},
		{"order by several fields", "project in (OPS, WEB) order by project DESC, key ASC", 120, "WEB-1"},
		{"order by date, newest last", "project = OPS order by created asc", 60, "OPS-1"},
		{"operators need no spaces", `project="OPS"AND key=OPS-3`, 1, "OPS-3"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newSimulator()
			found, err := s.query(&atlassiansim.Call{Identity: atlassiansim.Accepted}, searchBody{JQL: c.jql}, s.Now())
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != c.count {
				t.Errorf("%d issues, want %d", len(found), c.count)
			}
			if len(found) > 0 && found[0].key() != c.first {
				t.Errorf("first is %s, want %s", found[0].key(), c.first)
			}
		})
	}
}

func TestJQLErrors(t *testing.T) {
	const syntax = "Error in the JQL Query: "
	cases := []struct{ rule, jql, message string }{
		{"words without an operator", "invalid jql that will fail", syntax + "Expecting operator but got 'jql'. " + querylang.ValidOperators +
			" (line 1, character 9)"},
		{"a field alone", "project", syntax + "Expecting operator before the end of the query. " + querylang.ValidOperators},
		{"an operator without a value", "project =", syntax + "Expecting either a value, list or function before the end of the query."},
		{"a reserved word as a value", "project = OR", syntax + "Expecting either a value, list or function but got 'OR'. " +
			"You must surround 'OR' in quotation marks to use it as a value. (line 1, character 11)"},
		{"two clauses without a word between them", "project = OPS key = OPS-1",
			syntax + "Expecting either 'OR' or 'AND' but got 'key'. (line 1, character 15)"},
		{"an open list", "key in (OPS-1", syntax + "Expecting ')' before the end of the query."},
		{"a list without parentheses", "key in OPS-1", syntax + "Expecting '(' but got 'OPS-1'. (line 1, character 8)"},
		{"an open quotation", `summary ~ "abc`, syntax + "The quoted string 'abc' has not been completed. (line 1, character 11)"},
		{"an operator as a field", "= OPS", syntax + "Expecting a field name but got '='. " +
			"You must surround '=' in quotation marks to use it as a field name. (line 1, character 1)"},
		{"positions count lines", "project = OPS\nAND key OPS-1", syntax + "Expecting operator but got 'OPS-1'. " + querylang.ValidOperators +
			" (line 2, character 9)"},
		{"a reserved character", "project = a@b", ""},
		{"AND at the end", "project = OPS AND", ""},
		{"ORDER without BY", "project = OPS ORDER key", ""},
		{"ORDER BY nothing", "project = OPS ORDER BY", ""},
		{"a comma at the end of ORDER BY", "project = OPS ORDER BY key,", ""},
		{"an unknown field", "colour = red", "Field 'colour' does not exist or you do not have permission to view it."},
		{"an unknown field to order by", "project = OPS ORDER BY colour",
			"Field 'colour' does not exist or you do not have permission to view it."},
		{"more than 7 fields to order by", "project = OPS ORDER BY " + strings.Repeat("key, ", 7) + "key", "The ORDER BY clause has more than 7 fields."},
		{"an unknown project", "project = NOPE", "The value 'NOPE' does not exist for the field 'project'."},
		{"an operator that the field has not", "project ~ OPS", "The operator '~' is not supported by the 'project' field."},
		{"text compared as a whole", "summary = x", "The operator '=' is not supported by the 'summary' field."},
		{"IS something", "labels is red", "The operator 'is' is not supported by the 'labels' field."},
		{"a function", "created > startOfDay()", "Unable to find JQL function 'startOfDay()'."},
		{"an unknown date", "created > yesterday", ""},
		{"a period without a unit", "created > -1", ""},
		{"no text", "", string(unbounded)},
		{"blanks", " \n ", string(unbounded)},
		{"an order alone", "ORDER BY created DESC", string(unbounded)},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newSimulator()
			_, err := s.query(&atlassiansim.Call{Identity: atlassiansim.Accepted}, searchBody{JQL: c.jql}, s.Now())
			if err == nil {
				t.Fatal("accepted")
			}
			if c.message != "" && err.Error() != c.message {
				t.Errorf("got  %s\nwant %s", err, c.message)
			}
		})
	}
}

func FuzzJQL(f *testing.F) {
	f.Add(`project = OPS AND labels not in ("a", b) AND created >= "-1d 2h" ORDER BY key DESC, created`)
	f.Add(`text ~ "\"x`)
	s := newSimulator()
	f.Fuzz(func(t *testing.T, text string) {
		found, err := s.query(&atlassiansim.Call{Identity: atlassiansim.Accepted}, searchBody{JQL: text}, s.Now())
		if err != nil && found != nil {
			t.Error("both an error and issues")
		}
	})
}
