package template

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode turns YAML into maps, lists and scalars, the short tags into their
// long forms: !Ref X is {"Ref": "X"}, !GetAtt A.B is {"Fn::GetAtt": ["A", "B"]}.
func decode(src []byte) (map[string]any, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(src, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 {
		return nil, fmt.Errorf("the file is empty")
	}
	root, err := decodeNode(document.Content[0])
	if err != nil {
		return nil, err
	}
	m, ok := root.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want a mapping at the top")
	}
	return m, nil
}

func decodeNode(n *yaml.Node) (any, error) {
	if n.Kind == yaml.AliasNode { // may contain itself
		return nil, fmt.Errorf("line %d: aliases are not supported", n.Line)
	}
	value, err := decodePlain(n)
	if err != nil {
		return nil, err
	}
	tag, short := strings.CutPrefix(n.Tag, "!")
	if !short || strings.HasPrefix(tag, "!") {
		return value, nil
	}
	switch tag {
	case "Ref", "Condition":
		return map[string]any{tag: value}, nil
	case "GetAtt":
		if text, ok := value.(string); ok {
			resource, attribute, _ := strings.Cut(text, ".")
			value = []any{resource, attribute}
		}
	}
	return map[string]any{"Fn::" + tag: value}, nil
}

func decodePlain(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		return decodeMapping(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, child := range n.Content {
			item, err := decodeNode(child)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	default:
		return decodeScalar(n)
	}
}

func decodeMapping(n *yaml.Node) (any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("line %d: key %q appears twice", n.Content[i].Line, key)
		}
		value, err := decodeNode(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		m[key] = value
	}
	return m, nil
}

// decodeScalar keeps dates as text: policies and formats are versioned by them.
func decodeScalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!null":
		var value any
		if err := n.Decode(&value); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return value, nil
	default:
		return n.Value, nil
	}
}
