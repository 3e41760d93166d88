package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"strings"
)

// checkKeys rejects what encoding/json accepts silently in data, JSON that it
// has decoded into a t: duplicate keys, and keys that differ from a field's
// name only in case.
func checkKeys(data []byte, t reflect.Type) *bodyError {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return checkValue(decoder, t)
}

// checkValue checks the next value, which was decoded into a t; nil: any type.
// Errors of the decoder are ignored: the JSON is known to be valid.
func checkValue(decoder *json.Decoder, t reflect.Type) *bodyError {
	token, _ := decoder.Token()
	switch token {
	case json.Delim('{'):
		return checkObject(decoder, fieldsOf(t))
	case json.Delim('['):
		return checkArray(decoder)
	default:
		return nil
	}
}

// checkObject checks an open object, whose keys must be among fields; nil: any.
func checkObject(decoder *json.Decoder, fields map[string]reflect.Type) *bodyError {
	seen := make(map[string]bool)
	for decoder.More() {
		token, _ := decoder.Token()
		key, _ := token.(string)
		t, known := fields[key]
		switch {
		case fields != nil && !known:
			return &bodyError{key, "the field is unknown"}
		case seen[key]:
			return &bodyError{key, "the field is given twice"}
		}
		seen[key] = true
		if err := checkValue(decoder, t); err != nil {
			return err
		}
	}
	_, _ = decoder.Token() // the closing brace
	return nil
}

func checkArray(decoder *json.Decoder) *bodyError {
	for decoder.More() {
		if err := checkValue(decoder, nil); err != nil {
			return err
		}
	}
	_, _ = decoder.Token() // the closing bracket
	return nil
}

// fieldsOf returns the types of a struct's fields by their names in JSON, and
// nil for any other type.
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
