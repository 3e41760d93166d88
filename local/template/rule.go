package template

import (
	"fmt"
	"maps"
	"slices"
)

// rules refuses parameters that do not go together, as CloudFormation does.
func (r *resolver) rules(rules map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		rule, _ := rules[name].(map[string]any)
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
