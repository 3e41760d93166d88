package template

import (
	"fmt"
	"maps"
	"slices"
)

// ruleFunctions are those that CloudFormation knows in rules (its Template
// Reference, "Rule functions"): there is no Fn::Join, Fn::If or Condition.
var ruleFunctions = []string{
	"Ref", "Fn::And", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::Equals", "Fn::Not", "Fn::Or",
	"Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll",
}

// rules rejects parameters that do not go together, as CloudFormation does.
func (r *resolver) rules(rules map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		rule, _ := rules[name].(map[string]any)
		if err := ruleKnows(rule); err != nil {
			return fmt.Errorf("rule %s: %w", name, err)
		}
		if condition, ok := rule["RuleCondition"]; ok {
			applies, err := r.value(condition)
			if err != nil {
				return fmt.Errorf("rule %s: %w", name, err)
			}
			if applies != true {
				continue
			}
		}
		for _, assertion := range elements(rule["Assertions"]) {
			holds, err := r.value(assertion["Assert"])
			if err != nil {
				return fmt.Errorf("rule %s: %w", name, err)
			}
			if holds != true {
				return fmt.Errorf("rule %s: %s", name, text(assertion["AssertDescription"]))
			}
		}
	}
	return nil
}

// ruleKnows rejects what CloudFormation would.
func ruleKnows(v any) error {
	switch v := v.(type) {
	case map[string]any:
		if name, _, ok := intrinsic(v); ok && !slices.Contains(ruleFunctions, name) {
			return fmt.Errorf("%s is not known in rules", name)
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := ruleKnows(v[key]); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := ruleKnows(item); err != nil {
				return err
			}
		}
	}
	return nil
}
