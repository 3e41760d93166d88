package template

import "errors"

func (r *reader) table(id string, properties map[string]any) error {
	name, err1 := r.reference(id)
	keys, err2 := r.property(properties, "KeySchema")
	attributes, err3 := r.property(properties, "AttributeDefinitions")
	expire, err4 := r.property(properties, "TimeToLiveSpecification", "AttributeName")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	types := map[string]string{}
	for _, attribute := range elements(attributes) {
		types[text(attribute["AttributeName"])] = text(attribute["AttributeType"])
	}
	t := Table{ID: id, Name: text(name), ExpireAt: text(expire)}
	for _, key := range elements(keys) {
		attribute := text(key["AttributeName"])
		if text(key["KeyType"]) == "HASH" {
			t.Hash = Key{attribute, types[attribute]}
		} else {
			t.Range = Key{attribute, types[attribute]}
		}
	}
	if t.Hash.Name == "" {
		return errors.New("KeySchema: no HASH key")
	}
	r.out.Tables = append(r.out.Tables, t)
	return nil
}

func elements(v any) []map[string]any {
	items, _ := v.([]any)
	var out []map[string]any
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
