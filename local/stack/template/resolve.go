package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// resolver evaluates intrinsic functions. Only what is asked for is evaluated,
// so that a template may hold much that no machine but AWS can resolve.
type resolver struct {
	parameters map[string]any
	references map[string]string
	resources  map[string]any
	conditions map[string]any
	mappings   map[string]any
	evaluating map[string]bool // conditions in progress: a cycle is an error
}

// absent is AWS::NoValue: the property is not there.
var absent any = struct{}{}

func (r *resolver) value(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if name, argument, ok := intrinsic(v); ok {
			return r.call(name, argument)
		}
		return r.mapping(v)
	case []any:
		return r.list(v)
	default:
		return v, nil
	}
}

func (r *resolver) mapping(m map[string]any) (any, error) {
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		value, err := r.value(m[key])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if value != absent {
			out[key] = value
		}
	}
	return out, nil
}

func (r *resolver) list(l []any) ([]any, error) {
	out := make([]any, 0, len(l))
	for i, item := range l {
		value, err := r.value(item)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		if value != absent {
			out = append(out, value)
		}
	}
	return out, nil
}

func intrinsic(m map[string]any) (name string, argument any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for name, argument = range m {
	}
	return name, argument, name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::")
}

func (r *resolver) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		return r.reference(text(argument))
	case "Condition":
		return r.condition(text(argument))
	case "Fn::If":
		return r.choose(argument)
	case "Fn::Sub":
		return r.substitute(argument)
	}
	resolved, err := r.value(argument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	args, _ := resolved.([]any)
	out, ok := apply(name, args, r)
	if !ok {
		return nil, fmt.Errorf("%s of %v: not understood here", name, resolved)
	}
	return out, nil
}

// apply evaluates the functions of resolved arguments.
func apply(name string, args []any, r *resolver) (any, bool) {
	switch {
	case name == "Fn::GetAtt" && len(args) == 2:
		return r.attribute(text(args[0]), text(args[1]))
	case name == "Fn::Equals" && len(args) == 2:
		return text(args[0]) == text(args[1]), true
	case name == "Fn::Not" && len(args) == 1:
		return args[0] != true, true
	case name == "Fn::And":
		return !slices.Contains(args, any(false)), true
	case name == "Fn::Or":
		return slices.Contains(args, any(true)), true
	case name == "Fn::Join" && len(args) == 2:
		return strings.Join(texts(args[1]), text(args[0])), true
	case name == "Fn::Split" && len(args) == 2:
		return list(strings.Split(text(args[1]), text(args[0]))), true
	case name == "Fn::Select" && len(args) == 2:
		return selectItem(args)
	case name == "Fn::FindInMap" && len(args) == 3:
		value, ok := dig(r.mappings, text(args[0]), text(args[1]), text(args[2]))
		return value, ok
	default:
		return nil, false
	}
}

func selectItem(args []any) (any, bool) {
	index, err := strconv.Atoi(text(args[0]))
	items, _ := args[1].([]any)
	if err != nil || index < 0 || index >= len(items) {
		return nil, false
	}
	return items[index], true
}

func (r *resolver) reference(name string) (any, error) {
	if value, ok := r.parameters[name]; ok {
		return value, nil
	}
	if value, ok := r.references[name]; ok {
		return value, nil
	}
	if name == "AWS::NoValue" {
		return absent, nil
	}
	if resource, ok := r.resources[name]; ok {
		return r.physicalName(name, resource)
	}
	return nil, fmt.Errorf("nothing to refer to by the name %s: no such parameter, resource or supplied value", name)
}

// physicalName is the name that a table or a function is given, or one made of
// the stack's and its own as CloudFormation does.
func (r *resolver) physicalName(id string, resource any) (any, error) {
	for _, property := range []string{"TableName", "FunctionName"} {
		if name, ok := dig(resource, "Properties", property); ok {
			return r.value(name)
		}
	}
	return text(r.parameters["AWS::StackName"]) + "-" + id, nil
}

// attribute is a supplied value, or an ARN made up for a resource.
func (r *resolver) attribute(id, name string) (any, bool) {
	if value, ok := r.references[id+"."+name]; ok {
		return value, true
	}
	_, declared := r.resources[id]
	return arn(id), declared && name == "Arn"
}

func arn(id string) string { return "arn:aws:local:us-east-1:000000000000:" + id }

func (r *resolver) condition(name string) (bool, error) {
	expression, ok := r.conditions[name]
	if !ok {
		return false, fmt.Errorf("condition %s does not exist", name)
	}
	if r.evaluating[name] {
		return false, fmt.Errorf("condition %s depends on itself", name)
	}
	r.evaluating[name] = true
	defer delete(r.evaluating, name)
	value, err := r.value(expression)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", name, err)
	}
	holds, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("condition %s is no condition function", name)
	}
	return holds, nil
}

// choose evaluates the branch taken only.
func (r *resolver) choose(argument any) (any, error) {
	args, _ := argument.([]any)
	if len(args) != 3 {
		return nil, fmt.Errorf("Fn::If: want three arguments")
	}
	holds, err := r.condition(text(args[0]))
	if err != nil {
		return nil, err
	}
	if holds {
		return r.value(args[1])
	}
	return r.value(args[2])
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func (r *resolver) substitute(argument any) (any, error) {
	format, own := text(argument), map[string]any{}
	if args, ok := argument.([]any); ok && len(args) == 2 {
		format = text(args[0])
		variables, err := r.value(args[1])
		if err != nil {
			return nil, fmt.Errorf("Fn::Sub: %w", err)
		}
		own, _ = variables.(map[string]any)
	}
	var failed error
	out := placeholder.ReplaceAllStringFunc(format, func(match string) string {
		value, err := r.placeholderValue(match[2:len(match)-1], own)
		if err != nil && failed == nil {
			failed = fmt.Errorf("Fn::Sub: %w", err)
		}
		return text(value)
	})
	return out, failed
}

func (r *resolver) placeholderValue(name string, own map[string]any) (any, error) {
	if literal, ok := strings.CutPrefix(name, "!"); ok {
		return "${" + literal + "}", nil
	}
	if value, ok := own[name]; ok {
		return value, nil
	}
	if resource, attribute, ok := strings.Cut(name, "."); ok {
		return r.call("Fn::GetAtt", []any{resource, attribute})
	}
	return r.reference(name)
}

// text is a scalar as CloudFormation writes it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

func texts(v any) []string {
	items, _ := v.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, text(item))
	}
	return out
}

func list(items []string) []any {
	out := make([]any, 0, len(items))
	for _, item := range items {
		out = append(out, item)
	}
	return out
}

// dig goes down nested mappings.
func dig(v any, keys ...string) (any, bool) {
	for _, key := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[key]; !ok {
			return nil, false
		}
	}
	return v, true
}
