package jirasim

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// predicate says whether an issue matches.
type predicate func(*issue) bool

// universe is what the values of a query may name.
type universe struct {
	site   site
	issues []*issue
}

// compileJQL turns a query into a predicate. Its errors name unknown fields and
// values, and operators that a field has not.
func compileJQL(q jql, u universe, now time.Time) (predicate, error) {
	return compiler{u, now}.condition(q.where)
}

type compiler struct {
	universe
	now time.Time
}

func (c compiler) condition(of *condition) (predicate, error) {
	if of.operator == "" {
		return c.clause(of.clause)
	}
	var all []predicate
	for _, inner := range of.of {
		p, err := c.condition(inner)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return func(i *issue) bool {
		holds := func(p predicate) bool { return p(i) }
		switch of.operator {
		case "NOT":
			return !all[0](i)
		case "OR":
			return slices.ContainsFunc(all, holds)
		default:
			return !slices.ContainsFunc(all, func(p predicate) bool { return !p(i) })
		}
	}, nil
}

func (c compiler) clause(of clause) (predicate, error) {
	switch strings.ToLower(of.field.text) {
	case "project":
		return names(of, isNamed(c.site.projects), func(i *issue) []string { return i.project.names() })
	case "key", "issuekey", "issue", "id":
		return names(of, isNamed(c.issues), (*issue).names)
	case "status":
		return names(of, isNamed(c.site.statuses), func(i *issue) []string { return i.status.names() })
	case "issuetype", "type":
		return names(of, isNamed(c.site.types), func(i *issue) []string { return i.kind.names() })
	case "priority":
		return names(of, isNamed(c.site.priorities), func(i *issue) []string { return i.priority.names() })
	case "labels":
		return names(of, func(string) bool { return true }, func(i *issue) []string { return i.labels })
	case "summary":
		return words(of, func(i *issue) string { return i.summary })
	case "description":
		return words(of, func(i *issue) string { return plainText(i.description) })
	case "text":
		return words(of, (*issue).text)
	case "created", "updated":
		return c.date(of)
	default:
		return nil, meaningless("Field '%s' does not exist or you do not have permission to view it.", of.field.text)
	}
}

func isNamed[T interface{ names() []string }](things []T) func(string) bool {
	return func(name string) bool {
		_, ok := named(things, name)
		return ok
	}
}

func unsupported(of clause) error {
	return meaningless("The operator '%s' is not supported by the '%s' field.", strings.ToLower(of.operator), of.field.text)
}

// names compiles a clause about what an issue has under a field.
func names(of clause, exists func(string) bool, has func(*issue) []string) (predicate, error) {
	if strings.HasPrefix(of.operator, "IS") {
		if !containsFold([]string{"EMPTY", "NULL"}, of.values[0]) {
			return nil, unsupported(of)
		}
		empty := of.operator == "IS"
		return func(i *issue) bool { return (len(has(i)) == 0) == empty }, nil
	}
	for _, value := range of.values {
		if !exists(value) {
			return nil, meaningless("The value '%s' does not exist for the field '%s'.", value, of.field.text)
		}
	}
	one := func(i *issue) bool {
		return slices.ContainsFunc(has(i), func(name string) bool { return containsFold(of.values, name) })
	}
	switch of.operator {
	case "=", "IN":
		return one, nil
	case "!=", "NOT IN": // an issue without any has none of which it could be said
		return func(i *issue) bool { return len(has(i)) > 0 && !one(i) }, nil
	default:
		return nil, unsupported(of)
	}
}

// words compiles a text search: every word must be there.
func words(of clause, text func(*issue) string) (predicate, error) {
	wanted := strings.Fields(strings.ToLower(strings.NewReplacer(`"`, " ", "*", " ").Replace(of.values[0])))
	all := func(i *issue) bool {
		lower := strings.ToLower(text(i))
		return !slices.ContainsFunc(wanted, func(word string) bool { return !strings.Contains(lower, word) })
	}
	switch of.operator {
	case "~":
		return all, nil
	case "!~":
		return func(i *issue) bool { return !all(i) }, nil
	default:
		return nil, unsupported(of)
	}
}

func (c compiler) date(of clause) (predicate, error) {
	want, err := parseDate(of.values[0], c.now)
	if err != nil {
		return nil, meaningless("Date value '%s' for field '%s' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "+
			"'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.", of.values[0], of.field.text)
	}
	var accept []int
	switch of.operator {
	case "=":
		accept = []int{0}
	case "!=":
		accept = []int{-1, 1}
	case "<":
		accept = []int{-1}
	case "<=":
		accept = []int{-1, 0}
	case ">":
		accept = []int{1}
	case ">=":
		accept = []int{0, 1}
	default:
		return nil, unsupported(of)
	}
	return func(i *issue) bool { return slices.Contains(accept, i.created.Compare(want)) }, nil
}

// parseDate reads a date, a time to the minute, or a period from now, in UTC.
func parseDate(text string, now time.Time) (time.Time, error) {
	dashes := strings.ReplaceAll(text, "/", "-")
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04"} {
		if at, err := time.Parse(layout, dashes); err == nil {
			return at, nil
		}
	}
	period, negative := strings.CutPrefix(text, "-")
	parts := strings.Fields(period)
	if len(parts) == 0 {
		return time.Time{}, errNoDate
	}
	var sum time.Duration
	for _, part := range parts {
		d, err := parsePeriod(part)
		if err != nil {
			return time.Time{}, err
		}
		sum += d
	}
	if negative {
		sum = -sum
	}
	return now.Add(sum), nil
}

var errNoDate = errors.New("no date")

// parsePeriod reads a number and its unit, such as 4w.
func parsePeriod(text string) (time.Duration, error) {
	last := len(text) - 1
	units := map[byte]time.Duration{'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute}
	unit, ok := units[text[last]]
	n, err := strconv.ParseUint(text[:last], 10, 16)
	if !ok || err != nil {
		return 0, errNoDate
	}
	return time.Duration(n) * unit, nil
}
