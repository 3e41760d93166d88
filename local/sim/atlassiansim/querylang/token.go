package querylang

import (
	"fmt"
	"strings"
)

// token is one of a query.
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

// is reports whether the token is this word, unquoted and in any case.
func (t token) is(word string) bool { return t.kind == wordToken && strings.EqualFold(t.text, word) }

// at is an error in the grammar, where the token stands.
func (t token) at(format string, args ...any) error {
	return ungrammatical("%s (line %d, character %d)", fmt.Sprintf(format, args...), t.line, t.col)
}

// Error is what is wrong with a query, in Jira's words.
type Error string

func (e Error) Error() string { return string(e) }

func ungrammatical(format string, args ...any) error {
	return Error("Error in the JQL Query: " + fmt.Sprintf(format, args...))
}

// Meaningless is an error about a query that is well formed.
func Meaningless(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }

// lexer cuts a query into tokens.
type lexer struct {
	rest      []rune
	line, col int
}

// tokenize returns the tokens of a query, and an endToken.
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
		t.kind, t.text = wordToken, l.word()
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

func (l *lexer) word() string {
	var text strings.Builder
	for len(l.rest) > 0 && !strings.ContainsRune(" \t\r\n(),=!<>~\"'", l.rest[0]) {
		text.WriteRune(l.take())
	}
	return text.String()
}

func (l *lexer) quoted(t token) (token, error) {
	t.kind = quotedToken
	quote := l.take()
	var text strings.Builder
	for len(l.rest) > 0 {
		switch r := l.take(); {
		case r == quote:
			t.text = text.String()
			return t, nil
		case r == '\\' && len(l.rest) > 0:
			text.WriteRune(l.take())
		default:
			text.WriteRune(r)
		}
	}
	t.text = text.String()
	return t, t.at("The quoted string '%s' has not been completed.", t.text)
}
