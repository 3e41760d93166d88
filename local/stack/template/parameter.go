package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// parameters are the declared ones with their overrides, checked as
// CloudFormation checks them, and the pseudo parameters.
func parameters(declared map[string]any, o Options, stackName string) (map[string]any, error) {
	for _, name := range slices.Sorted(maps.Keys(o.Parameters)) {
		if _, ok := declared[name]; !ok {
			return nil, fmt.Errorf("parameter %s is not declared", name)
		}
	}
	values := map[string]any{
		"AWS::AccountId": "000000000000",
		"AWS::Partition": "aws",
		"AWS::Region":    "us-east-1",
		"AWS::StackName": stackName,
		"AWS::StackId":   stackName,
		"AWS::URLSuffix": "localhost",
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		declaration, _ := declared[name].(map[string]any)
		value, err := parameter(declaration, o, name)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		values[name] = value
	}
	return values, nil
}

func parameter(declaration map[string]any, o Options, name string) (any, error) {
	value, given := o.Parameters[name]
	if !given {
		value, given = o.Defaults[name]
	}
	if !given {
		fallback, ok := declaration["Default"]
		if !ok {
			return nil, fmt.Errorf("has no default and was not given")
		}
		value = text(fallback)
	}
	if allowed := texts(declaration["AllowedValues"]); len(allowed) > 0 && !slices.Contains(allowed, value) {
		return nil, fmt.Errorf("%q: want one of %s", value, strings.Join(allowed, ", "))
	}
	if pattern := text(declaration["AllowedPattern"]); pattern != "" {
		matched, err := regexp.MatchString("^(?:"+pattern+")$", value)
		if err != nil {
			return nil, err
		}
		if !matched {
			return nil, fmt.Errorf("%q does not match %s", value, pattern)
		}
	}
	kind := text(declaration["Type"])
	if kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<") {
		return list(strings.Split(value, ",")), nil
	}
	return value, nil
}
