package querylang

import (
	"slices"
	"strings"
)

// Predicate reports whether a thing matches.
type Predicate[T any] func(T) bool

// Compile turns the clauses of a query into a Predicate; clause does so for one of
// them. A query without clauses matches everything.
func Compile[T any](q Query, clause func(Clause) (Predicate[T], error)) (Predicate[T], error) {
	var all []Predicate[T]
	for _, c := range q.clauses {
		p, err := clause(c)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return func(t T) bool {
		return !slices.ContainsFunc(all, func(p Predicate[T]) bool { return !p(t) })
	}, nil
}

// UnknownField returns the error about a field that the product does not have.
func UnknownField(name string) error {
	return Meaningless("Field '%s' does not exist or you do not have permission to view it.", name)
}

func unsupported(of Clause) error {
	return Meaningless("The operator '%s' is not supported by the '%s' field.", strings.ToLower(of.Operator), of.Field)
}

// Names compiles a clause about the names that a thing has under a field, in
// any case.
func Names[T any](of Clause, exists func(string) bool, has func(T) []string) (Predicate[T], error) {
	if strings.HasPrefix(of.Operator, "IS") {
		if !ContainsFold([]string{"EMPTY", "NULL"}, of.Values[0]) {
			return nil, unsupported(of)
		}
		empty := of.Operator == "IS"
		return func(t T) bool { return (len(has(t)) == 0) == empty }, nil
	}
	for _, value := range of.Values {
		if !exists(value) {
			return nil, Meaningless("The value '%s' does not exist for the field '%s'.", value, of.Field)
		}
	}
	one := func(t T) bool {
		return slices.ContainsFunc(has(t), func(name string) bool { return ContainsFold(of.Values, name) })
	}
	switch of.Operator {
	case "=", "IN":
		return one, nil
	case "!=", "NOT IN": // a thing without a name does not match
		return func(t T) bool { return len(has(t)) > 0 && !one(t) }, nil
	default:
		return nil, unsupported(of)
	}
}

// Anything is for Names whose values need not exist.
func Anything(string) bool { return true }

// ContainsFold reports whether a list has a text in any case.
func ContainsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(item string) bool { return strings.EqualFold(item, s) })
}

// Words compiles a text search: every word must be there.
func Words[T any](of Clause, text func(T) string) (Predicate[T], error) {
	wanted := SplitWords(of.Values[0])
	all := func(t T) bool {
		lower := strings.ToLower(text(t))
		return !slices.ContainsFunc(wanted, func(word string) bool { return !strings.Contains(lower, word) })
	}
	switch of.Operator {
	case "~":
		return all, nil
	case "!~":
		return func(t T) bool { return !all(t) }, nil
	default:
		return nil, unsupported(of)
	}
}

// SplitWords returns the words that a text search is about, in lower case.
func SplitWords(text string) []string {
	return strings.Fields(strings.ToLower(strings.NewReplacer(`"`, " ", "*", " ").Replace(text)))
}
