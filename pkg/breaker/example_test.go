package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// Two breakers stand for two processes that share a store: the failures of one
// open the circuit for the other.
func Example() {
	ctx := context.Background()
	store := memstore.New()
	settings := breaker.Settings{Name: "jira_api", FailureThreshold: 3}
	one, _ := breaker.New(breaker.Config{Settings: settings, Store: store})
	other, _ := breaker.New(breaker.Config{Settings: settings, Store: store})

	for range 3 {
		err := one.Do(ctx, func(context.Context, *breaker.Permit) error { return errors.New("no route to host") })
		fmt.Println(err)
	}
	err := other.Do(ctx, func(context.Context, *breaker.Permit) error {
		fmt.Println("never reached")
		return nil
	})
	var open *breaker.OpenError
	if errors.As(err, &open) {
		fmt.Println(open.Circuit, open.State)
	}
	// Output:
	// no route to host
	// no route to host
	// no route to host
	// jira_api open
}

// Run is Do for a function that returns a value.
func ExampleRun() {
	b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "greeter"}, Store: memstore.New()})
	if err != nil {
		fmt.Println(err)
		return
	}
	greeting, err := breaker.Run(context.Background(), b, func(context.Context, *breaker.Permit) (string, error) {
		return "hello", nil
	})
	fmt.Println(greeting, err)
	// Output: hello <nil>
}

// errStatus is the status of an HTTP error response.
type errStatus int

func (e errStatus) Error() string { return http.StatusText(int(e)) }

// A Classifier distinguishes the caller's mistakes from an outage.
func ExampleClassifier() {
	classify := func(err error) breaker.Outcome {
		var status errStatus
		if errors.As(err, &status) && status < 500 {
			return breaker.Outcome{Verdict: breaker.Succeeded}
		}
		return breaker.Classify(err)
	}
	b, _ := breaker.New(breaker.Config{
		Settings: breaker.Settings{Name: "jira_api", FailureThreshold: 1},
		Store:    memstore.New(), Classify: classify,
	})
	answer := func(status int) {
		err := b.Do(context.Background(), func(context.Context, *breaker.Permit) error { return errStatus(status) })
		stats, _ := b.Stats(context.Background())
		fmt.Println(err, stats.State)
	}
	answer(404)
	answer(503)
	// Output:
	// Not Found closed
	// Service Unavailable open
}

// Allow and Done are for calls that do not fit in one function. A probe is one
// try, so call Probe before a retry.
func ExampleBreaker_Allow() {
	ctx := context.Background()
	b, _ := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "jira_api"}, Store: memstore.New()})
	permit, err := b.Allow(ctx)
	if err != nil {
		fmt.Println("rejected:", err)
		return
	}
	fmt.Println("may retry:", !permit.Probe())
	permit.Done(nil)
	// Output: may retry: true
}
