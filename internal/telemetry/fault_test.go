package telemetry

import (
	"errors"
	"testing"
)

func TestFault(t *testing.T) {
	var slice []int
	indexError := func() (value any) {
		defer func() { value = recover() }()
		return slice[len(slice)]
	}()
	tests := map[string]struct {
		value any
		want  string
	}{
		"a run-time error is told":              {indexError, "runtime error: index out of range [0] with length 0"},
		"our own words are told":                {"no such state", "no such state"},
		"an error may be somebody else's words": {errors.New("token=abc"), "*errors.errorString"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			logger, lines := setup(t, "info")
			Fault(logger)(invocationContext(), test.value, []byte("goroutine 1"))
			line := lines()[0]
			want(t, line, map[string]any{
				"level": "ERROR", "message": "Handler fault", "fault": test.want, "stack_trace": "goroutine 1",
				"Faults": 1.0, "requestId": "id-1",
			})
			checkEMF(t, line)
		})
	}
}
