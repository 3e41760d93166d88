package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"strings"
)

// wrongName finds a name that encoding/json lets pass, in JSON that it has
// decoded into a value of type t: one that an object holds twice, of which it
// takes the last and another reader on the way the first, and one that is a
// field's but for its case.
func wrongName(data []byte, t reflect.Type) *bodyError {
	var open []*scope
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil // the end
		}
		if len(open) > 0 && open[len(open)-1].wantsName(token) {
			if wrong := open[len(open)-1].enter(token.(string)); wrong != nil {
				return wrong
			}
			continue
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			of := t
			if len(open) > 0 {
				of = open[len(open)-1].value
			}
			open = append(open, newScope(token, of))
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
	}
}

// scope is an open object or array.
type scope struct {
	names  map[string]bool         // so far; nil in an array
	fields map[string]reflect.Type // nil: any name is one
	value  reflect.Type            // of the value that comes; nil: any
	named  bool                    // a value comes
}

func newScope(token json.Token, t reflect.Type) *scope {
	if token == json.Delim('[') {
		return &scope{}
	}
	return &scope{names: map[string]bool{}, fields: fieldsOf(t)}
}

// wantsName tells whether the token is the name of a member.
func (s *scope) wantsName(token json.Token) bool {
	if s.names == nil || token == json.Delim('}') {
		return false
	}
	s.named = !s.named
	return s.named
}

func (s *scope) enter(name string) *bodyError {
	value, known := s.fields[name]
	switch {
	case s.fields != nil && !known:
		return &bodyError{name, "the field is unknown"}
	case s.names[name]:
		return &bodyError{name, "the field is given twice"}
	}
	s.names[name], s.value = true, value
	return nil
}

// fieldsOf gives the types of a struct's fields by their names in JSON, and nil
// of any other type.
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
