package jirasim

import "strings"

const validOperators = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."

const unbounded = jqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")

// jql is a query that is well formed: whether its fields exist is not known yet.
type jql struct {
	where *condition
	order ordering
}

// condition is a clause, or and, or, not of others.
type condition struct {
	operator string // AND, OR, NOT; empty: a clause
	of       []*condition
	clause   clause
}

type clause struct {
	field    token
	operator string // as Jira writes it
	values   []string
}

// parser reads the tokens of a query, of which the last is an endToken.
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

// parseJQL reads a query. One without a restriction is an error.
func parseJQL(text string) (jql, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return jql{}, err
	}
	p := &parser{tokens}
	var q jql
	if !p.peek().is("ORDER") && p.peek().kind != endToken {
		if q.where, err = p.either(); err != nil {
			return jql{}, err
		}
	}
	if q.order, err = p.ordering(); err != nil {
		return jql{}, err
	}
	if q.where == nil {
		return jql{}, unbounded
	}
	return q, nil
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

func (p *parser) clause() (clause, error) {
	field := p.next()
	switch {
	case field.kind == endToken:
		return clause{}, ungrammatical("Expecting a field name at the end of the query.")
	case field.kind != wordToken && field.kind != quotedToken:
		return clause{}, field.at("Expecting a field name but got '%s'. You must surround '%s' in quotation marks to use it as a field name.",
			field.text, field.text)
	}
	operator, err := p.operator()
	if err != nil {
		return clause{}, err
	}
	values, err := p.operand(operator)
	return clause{field, operator, values}, err
}

func (p *parser) operator() (string, error) {
	switch t := p.next(); {
	case t.kind == endToken:
		return "", ungrammatical("Expecting operator before the end of the query. %s", validOperators)
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
		return "", t.at("Expecting operator but got '%s'. %s", t.text, validOperators)
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
		return "", meaningless("Unable to find JQL function '%s()'.", t.text)
	}
	return t.text, nil
}

// ordering reads what follows the conditions, up to the end.
func (p *parser) ordering() (ordering, error) {
	t := p.next()
	switch {
	case t.kind == endToken:
		return nil, nil
	case !t.is("ORDER"):
		return nil, t.at("Expecting either 'OR' or 'AND' but got '%s'.", t.text)
	case !p.skip("BY"):
		return nil, p.peek().at("Expecting 'BY' but got '%s'.", p.peek().text)
	}
	var by ordering
	for {
		field := p.next()
		s, ok := sortField(field.text)
		if !ok || field.kind == operatorToken || field.kind == punctuationToken {
			return nil, meaningless("Field '%s' does not exist or you do not have permission to view it.", field.text)
		}
		s.descending = p.skip("DESC")
		if !s.descending {
			p.skip("ASC")
		}
		by = append(by, s)
		if len(by) > maxSortFields {
			return nil, meaningless("The ORDER BY clause has more than %d fields.", maxSortFields)
		}
		switch t := p.next(); {
		case t.kind == endToken:
			return by, nil
		case t.kind != punctuationToken || t.text != ",":
			return nil, t.at("Expecting ',' but got '%s'.", t.text)
		}
	}
}
