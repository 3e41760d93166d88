package querylang

// Compare orders two things.
type Compare[T any] func(a, b T) int

// Order turns keys into a Compare; field returns the Compare of one field, and
// last decides where all fields are equal.
func Order[T any](keys []Key, field func(name string) (Compare[T], bool), last Compare[T]) (Compare[T], error) {
	var by []Compare[T]
	for _, key := range keys {
		compare, ok := field(key.Field)
		if !ok {
			return nil, UnknownField(key.Field)
		}
		if key.Descending {
			ascending := compare
			compare = func(a, b T) int { return ascending(b, a) }
		}
		by = append(by, compare)
	}
	return func(a, b T) int {
		for _, compare := range by {
			if order := compare(a, b); order != 0 {
				return order
			}
		}
		return last(a, b)
	}, nil
}
