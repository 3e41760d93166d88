package confluencesim

import (
	"cmp"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/querylang"
)

// entry is what searches find: a page, or a space where page is nil.
type entry struct {
	space *space
	page  *page
}

func (e entry) kind() string {
	if e.page == nil {
		return "space"
	}
	return "page"
}

func (e entry) title() string {
	if e.page == nil {
		return e.space.name
	}
	return e.page.title
}

func (e entry) id() string {
	if e.page == nil {
		return e.space.number()
	}
	return e.page.id()
}

func (e entry) text() string {
	if e.page == nil {
		return ""
	}
	return e.page.text()
}

func (e entry) created() time.Time {
	if e.page == nil {
		return e.space.created
	}
	return e.page.created
}

func (e entry) modified() time.Time {
	if e.page == nil {
		return e.space.created
	}
	return e.page.modified
}

// ofPage returns names that only pages have.
func ofPage(names func(*page) []string) func(entry) []string {
	return func(e entry) []string {
		if e.page == nil {
			return nil
		}
		return names(e.page)
	}
}

// cql is a query that Confluence understands.
type cql struct {
	matches querylang.Predicate[entry]
	compare querylang.Compare[entry]
	words   []string // that it looks for, in lower case
}

// parseCQL reads a query; without an order the last modified is first.
func parseCQL(text string, now time.Time) (cql, error) {
	query, err := querylang.Parse(text)
	if err != nil {
		return cql{}, err
	}
	if !query.Bounded() {
		return cql{}, querylang.Meaningless("There is no condition.")
	}
	q := cql{}
	q.matches, err = querylang.Compile(query, func(of querylang.Clause) (querylang.Predicate[entry], error) {
		if of.Operator == "~" {
			q.words = append(q.words, querylang.SplitWords(of.Values[0])...)
		}
		return compileClause(of, now)
	})
	if err != nil {
		return cql{}, err
	}
	q.compare, err = querylang.Order(query.Order, sortField, func(a, b entry) int {
		return cmp.Or(b.modified().Compare(a.modified()), strings.Compare(a.id(), b.id()))
	})
	return q, err
}

func compileClause(of querylang.Clause, now time.Time) (querylang.Predicate[entry], error) {
	switch strings.ToLower(of.Field) {
	case "type":
		known := strings.Fields("page blogpost comment attachment space user whiteboard database embed folder")
		return querylang.Names(of, func(kind string) bool { return querylang.ContainsFold(known, kind) },
			func(e entry) []string { return []string{e.kind()} })
	case "space", "space.key":
		return querylang.Names(of, querylang.Anything, func(e entry) []string { return []string{e.space.key} })
	case "id", "content":
		return querylang.Names(of, querylang.Anything, ofPage(func(p *page) []string { return []string{p.id()} }))
	case "parent":
		return querylang.Names(of, querylang.Anything, ofPage(func(p *page) []string { return p.ancestors()[:min(1, len(p.ancestors()))] }))
	case "ancestor":
		return querylang.Names(of, querylang.Anything, ofPage((*page).ancestors))
	case "label":
		return querylang.Names(of, querylang.Anything, ofPage(func(p *page) []string { return p.labels }))
	case "title":
		if of.Operator == "=" || of.Operator == "!=" {
			return querylang.Names(of, querylang.Anything, func(e entry) []string { return []string{e.title()} })
		}
		return querylang.Words(of, entry.title)
	case "text", "sitesearch":
		return querylang.Words(of, func(e entry) string { return e.title() + "\n" + e.text() })
	case "created":
		return querylang.Date(of, entry.created, now)
	case "lastmodified":
		return querylang.Date(of, entry.modified, now)
	default:
		return nil, querylang.UnknownField(of.Field)
	}
}

func sortField(name string) (querylang.Compare[entry], bool) {
	byText := func(text func(entry) string) (querylang.Compare[entry], bool) {
		return func(a, b entry) int { return strings.Compare(text(a), text(b)) }, true
	}
	switch strings.ToLower(name) {
	case "created":
		return func(a, b entry) int { return a.created().Compare(b.created()) }, true
	case "lastmodified":
		return func(a, b entry) int { return a.modified().Compare(b.modified()) }, true
	case "title":
		return byText(entry.title)
	case "id":
		return byText(entry.id)
	case "type":
		return byText(entry.kind)
	case "space", "space.key":
		return byText(func(e entry) string { return e.space.key })
	default:
		return nil, false
	}
}
