package jirasim

import (
	"cmp"
	"strings"
)

const maxSortFields = 7

// ordering is an ORDER BY; the empty one is newest first.
type ordering []sortKey

type sortKey struct {
	compare    func(a, b *issue) int
	descending bool
}

func (o ordering) compare(a, b *issue) int {
	for _, key := range o {
		order := key.compare(a, b)
		if key.descending {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(b.id, a.id)
}

func sortField(name string) (sortKey, bool) {
	byText := func(text func(*issue) string) (sortKey, bool) {
		return sortKey{compare: func(a, b *issue) int { return strings.Compare(text(a), text(b)) }}, true
	}
	switch strings.ToLower(name) {
	case "created", "updated":
		return sortKey{compare: func(a, b *issue) int { return a.created.Compare(b.created) }}, true
	case "id":
		return sortKey{compare: func(a, b *issue) int { return cmp.Compare(a.id, b.id) }}, true
	case "key", "issuekey", "issue":
		return sortKey{compare: func(a, b *issue) int {
			return cmp.Or(strings.Compare(a.project.key, b.project.key), cmp.Compare(a.number, b.number))
		}}, true
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
		return sortKey{}, false
	}
}
