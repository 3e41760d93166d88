package querylang

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// number is a thing to search for: its digits are its names and its text.
type number int

var now = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func clauseOf(of Clause) (Predicate[number], error) {
	text := func(n number) string { return fmt.Sprint(int(n)) }
	switch of.Field {
	case "n":
		return Names(of, func(s string) bool { return s != "x" }, func(n number) []string {
			if n == 0 {
				return nil
			}
			return []string{text(n)}
		})
	case "digits":
		return Words(of, text)
	case "day": // n days ago
		return Date(of, func(n number) time.Time { return now.AddDate(0, 0, -int(n)) }, now)
	default:
		return nil, UnknownField(of.Field)
	}
}

func ago(name, argument string) (string, bool) { return "-" + argument, name == "ago" }

// search returns which of 0 to 12 match, in order.
func search(text string) ([]number, error) {
	q, err := Parse(text, ago)
	if err != nil {
		return nil, err
	}
	matches, err := Compile(q, clauseOf)
	if err != nil {
		return nil, err
	}
	compare, err := Order(q.Order, func(name string) (Compare[number], bool) {
		return func(a, b number) int { return int(a%10 - b%10) }, name == "last"
	}, func(a, b number) int { return int(a - b) })
	if err != nil {
		return nil, err
	}
	var found []number
	for n := range number(13) {
		if matches(n) {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, compare)
	return found, nil
}

func TestSearch(t *testing.T) {
	cases := []struct{ rule, query, want string }{
		{"without conditions everything matches", "order by last", "[0 10 1 11 2 12 3 4 5 6 7 8 9]"},
		{"a name", "n = 3", "[3]"},
		{"names", "n in (3, 4)", "[3 4]"},
		{"not a name, of those that have one", "n not in (1,2,3,4,5,6,7,8,9)", "[10 11 12]"},
		{"no name", "n is empty", "[0]"},
		{"words", `digits ~ "1 2"`, "[12]"},
		{"not words", "n in (1, 2, 12) and digits !~ 1", "[2]"},
		{"a date", "day > 2026-10-31", "[0 1 2 3]"},
		{"a long word", "n = 1 or n = " + strings.Repeat("1", 1e5), "[1]"},
		{"a period", "day = -2d", "[2]"},
		{"a function", `day = ago("3d")`, "[3]"},
		{"a function in a list", `n in (ago(1), 2)`, "[2]"},
		{"and binds closer than or", "n = 1 or n = 2 and n = 3", "[1]"},
		{"not binds closest", "not n = 1 and n in (1, 2)", "[2]"},
		{"order backwards, and then as always", "n in (1, 2, 11) order by last desc", "[2 1 11]"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			found, err := search(c.query)
			if got := fmt.Sprint(found); err != nil || got != c.want {
				t.Errorf("%s %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	cases := []struct{ rule, query, message string }{
		{"an unknown field", "m = 1", "Field 'm' does not exist or you do not have permission to view it."},
		{"an unknown field to order by", "n = 1 order by m", "Field 'm' does not exist or you do not have permission to view it."},
		{"an unknown value", "n = x", "The value 'x' does not exist for the field 'n'."},
		{"an operator of other fields", "n > 1", "The operator '>' is not supported by the 'n' field."},
		{"IS something", "n is 1", "The operator 'is' is not supported by the 'n' field."},
		{"an unknown function", "n = f(1)", "Unable to find JQL function 'f()'."},
		{"a function that does not end", "day = ago(1d", "Error in the JQL Query: Expecting ')' before the end of the query."},
		{"a date that is none", "day = 3x", "Date value '3x' for field 'day' is invalid."},
		{"a query that is nested too deep", strings.Repeat("(", 1e5) + "n = 1", "The query is nested more than 1000 times."},
		{"a query that is negated too often", strings.Repeat("not ", 1e5) + "n = 1", "The query is nested more than 1000 times."},
		{"a field to order by that is a list", "n = 1 order by (m)", "Error in the JQL Query: Expecting a field name but got '('. (line 1, character 16)"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			if found, err := search(c.query); err == nil || !strings.HasPrefix(err.Error(), c.message) {
				t.Errorf("%v %v, want %s", found, err, c.message)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`(n = 1 OR NOT digits ~ "\"2") AND day >= ago("1d") ORDER BY last DESC`)
	f.Fuzz(func(t *testing.T, text string) {
		if found, err := search(text); err != nil && found != nil {
			t.Error("both an error and things")
		}
	})
}
