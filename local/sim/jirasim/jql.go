package jirasim

import (
	"cmp"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/querylang"
)

const maxSortFields = 7

const unbounded = querylang.Error("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")

// jql is a well-formed query, and an order whose fields exist.
type jql struct {
	querylang.Query
	compare querylang.Compare[*issue]
}

// parseJQL reads a query, without an order newest first. One without a
// restriction is an error.
func parseJQL(text string) (jql, error) {
	query, err := querylang.Parse(text)
	if err != nil {
		return jql{}, err
	}
	if !query.Bounded() {
		return jql{}, unbounded
	}
	if len(query.Order) > maxSortFields {
		return jql{}, querylang.Meaningless("The ORDER BY clause has more than %d fields.", maxSortFields)
	}
	newest := func(a, b *issue) int { return cmp.Compare(b.id, a.id) }
	compare, err := querylang.Order(query.Order, sortField, newest)
	return jql{query, compare}, err
}

// universe is what the values of a query may name, and its time.
type universe struct {
	site   site
	issues []*issue
	now    time.Time
}

// clause compiles a comparison of one field.
func (u universe) clause(of querylang.Clause) (querylang.Predicate[*issue], error) {
	switch strings.ToLower(of.Field) {
	case "project":
		return querylang.Names(of, isNamed(u.site.projects), func(i *issue) []string { return i.project.names() })
	case "key", "issuekey", "issue", "id":
		return querylang.Names(of, isNamed(u.issues), (*issue).names)
	case "status":
		return querylang.Names(of, isNamed(u.site.statuses), func(i *issue) []string { return i.status.names() })
	case "issuetype", "type":
		return querylang.Names(of, isNamed(u.site.types), func(i *issue) []string { return i.kind.names() })
	case "priority":
		return querylang.Names(of, isNamed(u.site.priorities), func(i *issue) []string { return i.priority.names() })
	case "labels":
		return querylang.Names(of, querylang.Anything, func(i *issue) []string { return i.labels })
	case "summary":
		return querylang.Words(of, func(i *issue) string { return i.summary })
	case "description":
		return querylang.Words(of, func(i *issue) string { return plainText(i.description) })
	case "text":
		return querylang.Words(of, (*issue).text)
	case "created", "updated":
		return querylang.Date(of, func(i *issue) time.Time { return i.created }, u.now)
	default:
		return nil, querylang.UnknownField(of.Field)
	}
}

func isNamed[T interface{ names() []string }](things []T) func(string) bool {
	return func(name string) bool {
		_, ok := named(things, name)
		return ok
	}
}

func sortField(name string) (querylang.Compare[*issue], bool) {
	byText := func(text func(*issue) string) (querylang.Compare[*issue], bool) {
		return func(a, b *issue) int { return strings.Compare(text(a), text(b)) }, true
	}
	switch strings.ToLower(name) {
	case "created", "updated":
		return func(a, b *issue) int { return a.created.Compare(b.created) }, true
	case "id":
		return func(a, b *issue) int { return cmp.Compare(a.id, b.id) }, true
	case "key", "issuekey", "issue":
		return func(a, b *issue) int {
			return cmp.Or(strings.Compare(a.project.key, b.project.key), cmp.Compare(a.number, b.number))
		}, true
	case "priority":
		return byText(func(i *issue) string { return i.priority.id })
	case "status":
		return byText(func(i *issue) string { return i.status.id })
	case "project":
		return byText(func(i *issue) string { return i.project.name })
	case "issuetype", "type":
		return byText(func(i *issue) string { return i.kind.name })
	case "summary":
		return byText(func(i *issue) string { return i.summary })
	default:
		return nil, false
	}
}
