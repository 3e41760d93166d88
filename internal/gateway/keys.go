package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"strings"
)

// checkKeys rejects what encoding/json accepts silently: a key that an object
// holds twice, whose last value it keeps while another reader on the way keeps
// the first, and a key that differs from a field's only in case. data is JSON that
// encoding/json has decoded into a value of type t.
func checkKeys(data []byte, t reflect.Type) *bodyError {
	var open []*scope // objects and arrays around the next token
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil // the end
		}
		var inner *scope
		if len(open) > 0 {
			inner = open[len(open)-1]
		}
		switch {
		case token == json.Delim('}'), token == json.Delim(']'):
			open = open[:len(open)-1]
		case inner != nil && inner.expectsKey:
			if wrong := inner.key(token.(string)); wrong != nil {
				return wrong
			}
		default: // a value
			of := t
			if inner != nil {
				of = inner.value
				inner.expectsKey = inner.isObject()
			}
			if token == json.Delim('{') || token == json.Delim('[') {
				open = append(open, newScope(token, of))
			}
		}
	}
}

// scope is an open object or array.
type scope struct {
	keys       map[string]bool         // so far; nil in an array
	fields     map[string]reflect.Type // nil: any key is valid
	value      reflect.Type            // of the next value; nil: any
	expectsKey bool
}

func newScope(token json.Token, t reflect.Type) *scope {
	if token == json.Delim('[') {
		return &scope{}
	}
	return &scope{keys: map[string]bool{}, fields: fieldsOf(t), expectsKey: true}
}

func (s *scope) isObject() bool { return s.keys != nil }

// key enters a key of the object. Its value comes next.
func (s *scope) key(name string) *bodyError {
	value, known := s.fields[name]
	switch {
	case s.fields != nil && !known:
		return &bodyError{name, "the field is unknown"}
	case s.keys[name]:
		return &bodyError{name, "the field is given twice"}
	}
	s.keys[name], s.value, s.expectsKey = true, value, false
	return nil
}

// fieldsOf returns the types of a struct's fields by their names in JSON, or nil
// for any other type.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	fields := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[cmp.Or(name, field.Name)] = field.Type
	}
	return fields
}
