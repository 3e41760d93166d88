package rejection

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestProblem(t *testing.T) {
	open := func(reason string) error {
		return fmt.Errorf("call: %w", &breaker.OpenError{Circuit: "jira_api", State: breaker.Open, Reason: reason, RetryAfter: 2100 * time.Millisecond})
	}
	rejected := func(reason, detail string) gateway.Problem {
		return gateway.Problem{Type: "circuit-open", Detail: detail, Circuit: "jira_api", Reason: reason, RetryAfterSeconds: 3}
	}
	tests := map[string]struct {
		err  error
		want gateway.Problem // but for Title, Status and Retryable
		ok   bool
	}{
		"an open circuit says why, and until when": {open("http_503"), rejected("http_503", "the service behind jira_api is failing and is not called for now"), true},
		"one that is overridden does not blame it": {open(breaker.ReasonOverride), rejected("override", "an operator holds jira_api open: the service behind it is not called for now"), true},
		"nor does one of a service that limits":    {open("rate_limited"), rejected("rate_limited", "the service behind jira_api limits the rate of requests and is not called for now"), true},
		"a full bulkhead says soon":                {fmt.Errorf("call: %w", guard.ErrBusy), gateway.Problem{Type: "busy", Detail: "too many calls are in flight", RetryAfterSeconds: 1}, true},
		"any other error is no rejection":          {errors.New("x"), gateway.Problem{}, false},
		"no error is no rejection":                 {nil, gateway.Problem{}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := Problem(test.err)
			if ok && (got.Status != http.StatusServiceUnavailable || !*got.Retryable || got.Title == "") {
				t.Errorf("got %+v", got)
			}
			got.Status, got.Title, got.Retryable = 0, "", nil
			if ok != test.ok || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, test.want, test.ok)
			}
		})
	}
}
