// Package querylang reads the part of JQL and CQL that this system and its examples
// send: clauses with AND between them, and an order. The two languages share that
// grammar. It knows no OR, NOT, parentheses or functions. Errors are in JQL's words.
package querylang
