package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
)

// operation is one call of an API.
type operation struct {
	method string // as OpenAPI writes it
	path   string
}

// object is one of JSON.
type object = map[string]any

// document is an OpenAPI document, as far as something of it is kept.
type document struct {
	OpenAPI    string            `json:"openapi"`
	Info       object            `json:"info"`
	Cut        object            `json:"x-cut"`
	Paths      map[string]object `json:"paths"`
	Components components        `json:"components"`
}

type components struct {
	Schemas         object            `json:"schemas"`
	SecuritySchemes map[string]object `json:"securitySchemes"`
}

// cut returns a document of the operations alone and of the schemas that they
// reach. Prose, examples and extensions are dropped. The same input makes the
// same bytes: encoding/json sorts names.
func cut(whole []byte, operations []operation) ([]byte, error) {
	var from document
	decoder := json.NewDecoder(bytes.NewReader(whole))
	decoder.UseNumber() // a float64 would round what is above 2^53
	if err := decoder.Decode(&from); err != nil {
		return nil, err
	}
	if from.Info["license"] == nil {
		return nil, errors.New("the document names no licence: what may be done with it is not known")
	}
	to := document{
		OpenAPI: from.OpenAPI, Info: from.Info, Cut: notice(whole), Paths: map[string]object{},
		Components: components{object{}, securitySchemes(from.Components.SecuritySchemes)},
	}
	delete(to.Info, "description")
	for _, o := range operations {
		call, ok := from.Paths[o.path][o.method]
		if !ok {
			return nil, fmt.Errorf("the document has no %s %s", o.method, o.path)
		}
		if to.Paths[o.path] == nil {
			to.Paths[o.path] = object{}
		}
		call = prune(call)
		to.Paths[o.path][o.method] = call
		if err := reach(to.Components.Schemas, from.Components.Schemas, call); err != nil {
			return nil, err
		}
	}
	return encode(to)
}

// notice says what the cut was made of and how it differs, as section 4 of the
// Apache License wants of a changed file.
func notice(whole []byte) object {
	sum := sha256.Sum256(whole)
	return object{
		"changes": "Cut by coldfuse's local/proof/contract/cut: a part of the operations and the schemas that they reach; " +
			"prose, examples and extensions are left out.",
		"sha256": hex.EncodeToString(sum[:]),
	}
}

// securitySchemes are kept by their types: the scopes are long.
func securitySchemes(from map[string]object) map[string]object {
	schemes := map[string]object{}
	for name, scheme := range from {
		schemes[name] = object{}
		for field, value := range scheme {
			if field != "description" {
				schemes[name][field] = value
			}
		}
		flows, _ := scheme["flows"].(object)
		for _, flow := range flows {
			if flow, ok := flow.(object); ok {
				flow["scopes"] = object{}
			}
		}
	}
	return schemes
}

// prune returns the node without what does not bind anyone.
func prune(node any) any {
	switch node := node.(type) {
	case object:
		kept := object{}
		for name, value := range node {
			switch {
			case name == "properties":
				kept[name] = pruneEach(value)
			case name == "responses":
				kept[name] = described(pruneEach(value))
			case !isProse(name):
				kept[name] = prune(value)
			}
		}
		if kept["responses"] != nil {
			delete(kept, "deprecated") // false, or the cut would not be wanted
		}
		return kept
	case []any:
		kept := make([]any, len(node))
		for i, value := range node {
			kept[i] = prune(value)
		}
		return kept
	}
	return node
}

// pruneEach prunes the values of an object whose names are the API's own, such
// as a property that is called description.
func pruneEach(node any) any {
	named, ok := node.(object)
	if !ok {
		return prune(node)
	}
	kept := object{}
	for name, value := range named {
		kept[name] = prune(value)
	}
	return kept
}

// described returns the responses the description that OpenAPI wants of each.
func described(responses any) any {
	named, _ := responses.(object)
	for _, response := range named {
		if response, ok := response.(object); ok {
			response["description"] = ""
		}
	}
	return responses
}

func isProse(name string) bool {
	switch name {
	case "description", "summary", "example", "examples", "tags", "externalDocs", "xml":
		return true
	}
	return strings.HasPrefix(name, "x-")
}

const schemas = "#/components/schemas/"

// reach adds the schemas that node refers to, and those that they refer to.
func reach(to, from object, node any) error {
	switch node := node.(type) {
	case object:
		if ref, ok := node["$ref"].(string); ok {
			return include(to, from, ref)
		}
		for value := range maps.Values(node) {
			if err := reach(to, from, value); err != nil {
				return err
			}
		}
	case []any:
		for _, value := range node {
			if err := reach(to, from, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func include(to, from object, ref string) error {
	name, ok := strings.CutPrefix(ref, schemas)
	schema, known := from[name]
	if !ok || !known {
		return fmt.Errorf("the document refers to %s, which it does not have", ref)
	}
	if to[name] != nil {
		return nil
	}
	to[name] = prune(schema)
	return reach(to, from, to[name])
}

func encode(d document) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(d)
	return out.Bytes(), err
}
