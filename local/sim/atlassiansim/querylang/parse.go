package querylang

import "strings"

// ValidOperators is what errors tell of the operators.
const ValidOperators = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."

// Query is one that is well formed: whether its fields exist is not known yet.
type Query struct {
	Order []Key
	where *condition // nil: everything
}

// Bounded reports whether the query restricts anything.
func (q Query) Bounded() bool { return q.where != nil }

// Key is a field of an ORDER BY.
type Key struct {
	Field      string
	Descending bool
}

// condition is a clause, or and, or, not of others.
type condition struct {
	operator string // AND, OR, NOT; empty: a clause
	of       []*condition
	clause   Clause
}

// Clause compares a field with values.
type Clause struct {
	Field    string
	Operator string // in upper case: =, !~, NOT IN, …
	Values   []string
}

// Functions returns the value of a call such as now("-1d"), if the language has
// that function. The argument may be missing.
type Functions func(name, argument string) (value string, ok bool)

// parser reads the tokens of a query, of which the last is an endToken.
type parser struct {
	tokens    []token
	functions Functions
	depth     int
}

// maxDepth bounds how deep conditions nest, and so the stack.
const maxDepth = 1000

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != endToken {
		p.tokens = p.tokens[1:]
	}
	return t
}

// skip takes the next token if it is this word.
func (p *parser) skip(word string) bool {
	if p.peek().is(word) {
		p.next()
		return true
	}
	return false
}

// Parse reads a query. Functions may be nil: none.
func Parse(text string, functions Functions) (Query, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return Query{}, err
	}
	p := &parser{tokens: tokens, functions: functions}
	var q Query
	if !p.peek().is("ORDER") && p.peek().kind != endToken {
		if q.where, err = p.either(); err != nil {
			return Query{}, err
		}
	}
	q.Order, err = p.ordering()
	return q, err
}

func (p *parser) either() (*condition, error) { return p.chain("OR", p.both) }

func (p *parser) both() (*condition, error) { return p.chain("AND", p.negated) }

// chain reads conditions with this word between them.
func (p *parser) chain(word string, condition func() (*condition, error)) (*condition, error) {
	first, err := condition()
	if err != nil {
		return nil, err
	}
	all := newChain(word, first)
	for p.skip(word) {
		another, err := condition()
		if err != nil {
			return nil, err
		}
		all.of = append(all.of, another)
	}
	if len(all.of) == 1 {
		return first, nil
	}
	return all, nil
}

func newChain(word string, first *condition) *condition {
	return &condition{operator: word, of: []*condition{first}}
}

func (p *parser) negated() (*condition, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, Meaningless("The query is nested more than %d times.", maxDepth)
	}
	defer func() { p.depth-- }()
	if !p.skip("NOT") {
		return p.single()
	}
	inner, err := p.negated()
	if err != nil {
		return nil, err
	}
	return newChain("NOT", inner), nil
}

// single reads a clause or something in parentheses.
func (p *parser) single() (*condition, error) {
	t := p.peek()
	if t.text != "(" || t.kind != punctuationToken {
		c, err := p.clause()
		if err != nil {
			return nil, err
		}
		return &condition{clause: c}, nil
	}
	p.next()
	inner, err := p.either()
	if err != nil {
		return nil, err
	}
	return inner, p.close()
}

func (p *parser) close() error {
	switch t := p.next(); {
	case t.kind == punctuationToken && t.text == ")":
		return nil
	case t.kind == endToken:
		return ungrammatical("Expecting ')' before the end of the query.")
	default:
		return t.at("Expecting ')' but got '%s'.", t.text)
	}
}

func (p *parser) clause() (Clause, error) {
	field := p.next()
	switch {
	case field.kind == endToken:
		return Clause{}, ungrammatical("Expecting a field name at the end of the query.")
	case field.kind != wordToken && field.kind != quotedToken:
		return Clause{}, field.at("Expecting a field name but got '%s'. You must surround '%s' in quotation marks to use it as a field name.",
			field.text, field.text)
	}
	operator, err := p.operator()
	if err != nil {
		return Clause{}, err
	}
	values, err := p.operand(operator)
	return Clause{field.text, operator, values}, err
}

func (p *parser) operator() (string, error) {
	switch t := p.next(); {
	case t.kind == endToken:
		return "", ungrammatical("Expecting operator before the end of the query. %s", ValidOperators)
	case t.kind == operatorToken && t.text != "!":
		return t.text, nil
	case t.is("IN"):
		return "IN", nil
	case t.is("NOT") && p.skip("IN"):
		return "NOT IN", nil
	case t.is("IS") && p.skip("NOT"):
		return "IS NOT", nil
	case t.is("IS"):
		return "IS", nil
	default:
		return "", t.at("Expecting operator but got '%s'. %s", t.text, ValidOperators)
	}
}

func (p *parser) operand(operator string) ([]string, error) {
	if !strings.HasSuffix(operator, "IN") {
		value, err := p.value()
		return []string{value}, err
	}
	if t := p.next(); t.kind != punctuationToken || t.text != "(" {
		return nil, t.at("Expecting '(' but got '%s'.", t.text)
	}
	var values []string
	for {
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		if t := p.peek(); t.kind != punctuationToken || t.text != "," {
			return values, p.close()
		}
		p.next()
	}
}

func (p *parser) value() (string, error) {
	t := p.next()
	reserved := t.is("AND") || t.is("OR") || t.is("NOT") || t.is("IN") || t.is("IS") || t.is("ORDER") || t.is("BY")
	switch {
	case t.kind == endToken:
		return "", ungrammatical("Expecting either a value, list or function before the end of the query.")
	case t.kind == quotedToken:
		return t.text, nil
	case t.kind != wordToken || reserved:
		return "", t.at("Expecting either a value, list or function but got '%s'. You must surround '%s' in quotation marks to use it as a value.",
			t.text, t.text)
	}
	if after := p.peek(); after.kind == punctuationToken && after.text == "(" {
		return p.call(t.text)
	}
	return t.text, nil
}

// call reads what follows the name of a function.
func (p *parser) call(name string) (string, error) {
	p.next()
	argument := ""
	if p.peek().kind == wordToken || p.peek().kind == quotedToken {
		argument = p.next().text
	}
	if p.functions != nil {
		if value, ok := p.functions(name, argument); ok {
			return value, p.close()
		}
	}
	return "", Meaningless("Unable to find JQL function '%s()'.", name)
}

// ordering reads what follows the conditions, up to the end.
func (p *parser) ordering() ([]Key, error) {
	t := p.next()
	switch {
	case t.kind == endToken:
		return nil, nil
	case !t.is("ORDER"):
		return nil, t.at("Expecting either 'OR' or 'AND' but got '%s'.", t.text)
	case !p.skip("BY"):
		return nil, p.peek().at("Expecting 'BY' but got '%s'.", p.peek().text)
	}
	var by []Key
	for {
		field := p.next()
		if field.kind != wordToken && field.kind != quotedToken {
			return nil, field.at("Expecting a field name but got '%s'.", field.text)
		}
		key := Key{Field: field.text, Descending: p.skip("DESC")}
		if !key.Descending {
			p.skip("ASC")
		}
		by = append(by, key)
		switch t := p.next(); {
		case t.kind == endToken:
			return by, nil
		case t.kind != punctuationToken || t.text != ",":
			return nil, t.at("Expecting ',' but got '%s'.", t.text)
		}
	}
}
