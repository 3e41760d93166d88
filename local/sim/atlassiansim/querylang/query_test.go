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

// search returns which of 0 to 12 match, in order.
func search(text string) ([]number, error) {
	q, err := Parse(text)
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
		{"a period", "day = -2d", "[2]"},
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

func TestErrors(t *testing.T) {
	cases := []struct{ rule, query, message string }{
		{"an unknown field", "m = 1", "Field 'm' does not exist or you do not have permission to view it."},
		{"an unknown field to order by", "n = 1 order by m", "Field 'm' does not exist or you do not have permission to view it."},
		{"an unknown value", "n = x", "The value 'x' does not exist for the field 'n'."},
		{"an operator of other fields", "n > 1", "The operator '>' is not supported by the 'n' field."},
		{"IS something", "n is 1", "The operator 'is' is not supported by the 'n' field."},
		{"or", "n = 1 or n = 2", "Error in the JQL Query: The simulator reads only clauses with 'AND' between them, not 'or'."},
		{"not", "not n = 1", "Error in the JQL Query: The simulator reads only clauses with 'AND' between them, not 'not'."},
		{"parentheses", "(n = 1)", "Error in the JQL Query: The simulator reads only clauses with 'AND' between them, not '('."},
		{"a long list that does not end", "n in (1" + strings.Repeat(",1", 1e5), "Error in the JQL Query: Expecting ')' before the end of the query."},
		{"a function", "n = f(1)", "Unable to find JQL function 'f()'."},
		{"a date that is not one", "day = 3x", "Date value '3x' for field 'day' is invalid."},
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
	f.Add(`n in (1, 2) AND digits !~ "\"2" AND day >= "-1d" ORDER BY last DESC`)
	f.Fuzz(func(t *testing.T, text string) {
		if found, err := search(text); err != nil && found != nil {
			t.Error("both an error and things")
		}
	})
}
