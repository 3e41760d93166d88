package retry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/pkg/retry"
)

func ExampleDo() {
	policy := retry.Policy{
		MaxRetries: 3, // and the first try
		BaseDelay:  10 * time.Millisecond,
		MaxDelay:   time.Second,
		Jitter:     true,
		Reserve:    100 * time.Millisecond,
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	answers := []error{errors.New("503"), errors.New("503"), nil}
	tries, err := retry.Do(ctx, policy, retry.Options{}, func(context.Context) error {
		answer := answers[0]
		answers = answers[1:]
		return answer
	})
	fmt.Println(tries, err)
	// Output: 3 <nil>
}

func ExamplePolicy_Delay() {
	policy := retry.Policy{BaseDelay: time.Second, MaxDelay: 10 * time.Second, Jitter: true}
	for n := range 5 {
		fmt.Println(policy.Delay(n, 0), "to", policy.Delay(n, 1))
	}
	// Output:
	// 700ms to 1.3s
	// 1.4s to 2.6s
	// 2.8s to 5.2s
	// 5.6s to 10s
	// 10s to 10s
}

func ExampleParseRetryAfter() {
	now := time.Date(2026, 1, 8, 12, 0, 0, 0, time.UTC)
	fmt.Println(retry.ParseRetryAfter("120", now))
	fmt.Println(retry.ParseRetryAfter("Thu, 08 Jan 2026 12:00:30 GMT", now))
	fmt.Println(retry.ParseRetryAfter("later", now))
	// Output:
	// 2m0s true
	// 30s true
	// 0s false
}
