package querylang

import "strings"

// ValidOperators is the list of operators in errors.
const ValidOperators = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."

// Query is a well-formed query: clauses that must all hold, and an order. Whether
// its fields exist is not known yet.
type Query struct {
	Order   []Key
	clauses []Clause
}

// Bounded reports whether the query restricts anything.
func (q Query) Bounded() bool { return len(q.clauses) > 0 }

// Key is a field of an ORDER BY.
type Key struct {
	Field      string
	Descending bool
}

// Clause compares a field with values.
type Clause struct {
	Field    string
	Operator string // in upper case: =, !~, NOT IN, …
	Values   []string
}

// parser reads the tokens of a query. The last one is an endToken.
type parser struct{ tokens []token }

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

// Parse reads a query.
func Parse(text string) (Query, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return Query{}, err
	}
	p := &parser{tokens}
	var q Query
	if !p.peek().is("ORDER") && p.peek().kind != endToken {
		if q.clauses, err = p.conjunction(); err != nil {
			return Query{}, err
		}
	}
	q.Order, err = p.ordering()
	return q, err
}

func (p *parser) conjunction() ([]Clause, error) {
	var all []Clause
	for {
		clause, err := p.clause()
		if err != nil {
			return nil, err
		}
		if all = append(all, clause); !p.skip("AND") {
			return all, nil
		}
	}
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
	case field.is("NOT"), field.kind == punctuationToken && field.text == "(":
		return Clause{}, field.at("The simulator reads only clauses with 'AND' between them, not '%s'.", field.text)
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
		return "", Meaningless("Unable to find JQL function '%s()'.", t.text)
	}
	return t.text, nil
}

// ordering reads what follows the conditions, up to the end.
func (p *parser) ordering() ([]Key, error) {
	t := p.next()
	switch {
	case t.kind == endToken:
		return nil, nil
	case t.is("OR"):
		return nil, t.at("The simulator reads only clauses with 'AND' between them, not '%s'.", t.text)
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
