package template

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options of Parse.
type Options struct {
	// Parameters override the defaults; an undeclared one is an error.
	Parameters map[string]string
	// Defaults take the place of the template's own where it declares them.
	Defaults map[string]string
	// References are the values of what exists only once deployed, by "Name"
	// for Ref and "Name.Attribute" for GetAtt. A Ref of a resource without one
	// is its table or function name, or else StackName-LogicalId.
	References map[string]string
	StackName  string // empty: "local"
}

// Template is what was read, everything sorted by logical id.
type Template struct {
	Functions []Function
	Tables    []Table
	Routes    []Route
	Throttle  Throttle // of each route without its own
}

// Function is an AWS::Serverless::Function.
type Function struct {
	ID          string // logical id
	CodeURI     string // relative to the template
	Handler     string
	Environment map[string]string
	Timeout     time.Duration // 3 s unless set
	MemoryMB    int           // 128 unless set
	// Reserved is ReservedConcurrentExecutions, -1 unless set.
	Reserved int
}

// Table is an AWS::DynamoDB::Table.
type Table struct {
	ID       string // logical id
	Name     string
	Hash     Key
	Range    Key // zero if there is none
	ExpireAt string
}

// Key is a key attribute and its type: S, N or B.
type Key struct{ Name, Type string }

// Parse reads a template. Its errors name the resource and the property.
func Parse(src []byte, o Options) (*Template, error) {
	root, err := decode(src)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	declared, _ := root["Parameters"].(map[string]any)
	stackName := cmp.Or(o.StackName, "local")
	values, err := parameters(declared, o, stackName)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	r := reader{
		resolver: resolver{
			parameters: values,
			references: o.References,
			resources:  section(root, "Resources"),
			conditions: section(root, "Conditions"),
			mappings:   section(root, "Mappings"),
			evaluating: map[string]bool{},
		},
		globals:      section(root, "Globals"),
		integrations: map[string]integration{},
		authorizers:  map[string]JWT{},
	}
	if err := r.rules(section(root, "Rules")); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	if err := r.read(); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return &r.out, nil
}

func section(root map[string]any, name string) map[string]any {
	m, _ := root[name].(map[string]any)
	return m
}

type reader struct {
	resolver
	globals       map[string]any
	integrations  map[string]integration // by the value of Ref
	authorizers   map[string]JWT         // by the value of Ref
	routeSettings map[string]any         // by route key
	out           Template
}

// read goes from what is referred to to what refers to it.
func (r *reader) read() error {
	readers := []struct {
		kind string
		read func(id string, properties map[string]any) error
	}{
		{"AWS::DynamoDB::Table", r.table},
		{"AWS::Serverless::Function", r.function},
		{"AWS::ApiGatewayV2::Stage", r.stage},
		{"AWS::ApiGatewayV2::Integration", r.integration},
		{"AWS::ApiGatewayV2::Authorizer", r.authorizer},
		{"AWS::ApiGatewayV2::Route", r.route},
	}
	for _, reader := range readers {
		if err := r.each(reader.kind, reader.read); err != nil {
			return err
		}
	}
	return nil
}

// each reads the resources of one kind whose condition holds.
func (r *reader) each(kind string, read func(id string, properties map[string]any) error) error {
	for _, id := range slices.Sorted(maps.Keys(r.resources)) {
		resource, _ := r.resources[id].(map[string]any)
		if text(resource["Type"]) != kind {
			continue
		}
		if name := text(resource["Condition"]); name != "" {
			holds, err := r.condition(name)
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			if !holds {
				continue
			}
		}
		if err := read(id, section(resource, "Properties")); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}

// merge is SAM's of Globals: mappings are merged, lists joined, and else the
// resource's own value wins. Intrinsic functions are values.
func merge(global, own map[string]any) map[string]any {
	out := maps.Clone(global)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range own {
		out[key] = mergeValue(out[key], value)
	}
	return out
}

func mergeValue(global, own any) any {
	switch own := own.(type) {
	case map[string]any:
		g, ok := global.(map[string]any)
		_, _, globalCalls := intrinsic(g)
		_, _, ownCalls := intrinsic(own)
		if ok && !globalCalls && !ownCalls {
			return merge(g, own)
		}
	case []any:
		if g, ok := global.([]any); ok {
			return slices.Concat(g, own)
		}
	}
	return own
}

// property resolves one property; absent and AWS::NoValue are nil.
func (r *reader) property(properties map[string]any, keys ...string) (any, error) {
	raw, ok := dig(properties, keys[0])
	if !ok {
		return nil, nil
	}
	value, err := r.value(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keys[0], err)
	}
	if value == absent {
		return nil, nil
	}
	found, _ := dig(value, keys[1:]...)
	return found, nil
}

func (r *reader) number(properties map[string]any, fallback float64, keys ...string) (float64, error) {
	value, err := r.property(properties, keys...)
	if err != nil || value == nil {
		return fallback, err
	}
	n, err := strconv.ParseFloat(text(value), 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no number", strings.Join(keys, "."), text(value))
	}
	return n, nil
}
