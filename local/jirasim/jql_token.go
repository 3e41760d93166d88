package jirasim

import (
	"fmt"
	"strings"
)

// token is one of a JQL text.
type token struct {
	kind      tokenKind
	text      string
	line, col int // from 1
}

type tokenKind int

const (
	endToken tokenKind = iota
	wordToken
	quotedToken
	operatorToken
	punctuationToken // ( ) ,
)

// is says whether the token is this word, unquoted and in any case.
func (t token) is(word string) bool { return t.kind == wordToken && strings.EqualFold(t.text, word) }

// at is an error in the grammar, where the token stands.
func (t token) at(format string, args ...any) error {
	return ungrammatical("%s (line %d, character %d)", fmt.Sprintf(format, args...), t.line, t.col)
}

// jqlError is what is wrong with a query, in Jira's words.
type jqlError string

func (e jqlError) Error() string { return string(e) }

func ungrammatical(format string, args ...any) error {
	return jqlError("Error in the JQL Query: " + fmt.Sprintf(format, args...))
}

func meaningless(format string, args ...any) error { return jqlError(fmt.Sprintf(format, args...)) }

// lexer cuts a JQL text into tokens.
type lexer struct {
	rest      []rune
	line, col int
}

// tokenize gives the tokens of a JQL text, and an endToken.
func tokenize(text string) ([]token, error) {
	l := &lexer{rest: []rune(text), line: 1, col: 1}
	var tokens []token
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		if t.kind == endToken {
			return tokens, nil
		}
	}
}

func (l *lexer) next() (token, error) {
	for len(l.rest) > 0 && strings.ContainsRune(" \t\r\n", l.rest[0]) {
		l.take()
	}
	t := token{line: l.line, col: l.col}
	if len(l.rest) == 0 {
		return t, nil
	}
	switch r := l.rest[0]; {
	case strings.ContainsRune("(),", r):
		t.kind, t.text = punctuationToken, string(l.take())
	case strings.ContainsRune("=!<>~", r):
		t.kind, t.text = operatorToken, l.operator()
	case r == '"' || r == '\'':
		return l.quoted(t)
	case strings.ContainsRune("+;?|*/%^$#@[]{}`", r):
		return t, t.at("The character '%c' is a reserved JQL character. You must enclose it in a string or use the escape '\\u%04x' instead.", r, r)
	default:
		t.kind = wordToken
		for len(l.rest) > 0 && !strings.ContainsRune(" \t\r\n(),=!<>~\"'", l.rest[0]) {
			t.text += string(l.take())
		}
	}
	return t, nil
}

func (l *lexer) take() rune {
	r := l.rest[0]
	l.rest = l.rest[1:]
	l.col++
	if r == '\n' {
		l.line, l.col = l.line+1, 1
	}
	return r
}

func (l *lexer) operator() string {
	first := string(l.take())
	if len(l.rest) == 0 {
		return first
	}
	switch pair := first + string(l.rest[0]); pair {
	case "!=", "<=", ">=", "!~":
		l.take()
		return pair
	}
	return first
}

func (l *lexer) quoted(t token) (token, error) {
	t.kind = quotedToken
	quote := l.take()
	for len(l.rest) > 0 {
		switch r := l.take(); {
		case r == quote:
			return t, nil
		case r == '\\' && len(l.rest) > 0:
			t.text += string(l.take())
		default:
			t.text += string(r)
		}
	}
	return t, t.at("The quoted string '%s' has not been completed.", t.text)
}
