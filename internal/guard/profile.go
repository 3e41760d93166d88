package guard

import (
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// Profile is a named set of settings for a dependency of a certain kind.
type Profile struct {
	Retry      retry.Policy
	Circuit    breaker.Settings // all but the Name, if HasCircuit
	HasCircuit bool
}

// Reserve is the time that every profile keeps free before the invocation's
// deadline: two writes and a read of the circuit's record at their limits of
// 300 ms, and the answer.
const Reserve = time.Second

// ProfileNamed returns a profile by its name:
//
//	default       3 retries, 1 s doubling to 10 s; 5 failures in 60 s, above 20 % of calls, open for 30 s, 2 successes close
//	high_traffic  the same retries; 10 failures in 30 s, above 20 %, open for 15 s
//	critical      5 retries, 2 s doubling to 30 s; default circuit
//	database      3 retries, 0.3 s doubling to 3 s; default circuit
//	sessions      3 retries, 0.5 s doubling to 5 s; no circuit
//
// All have jitter and keep Reserve free. critical does not fit an HTTP API's
// 29 s (see Budget): it is for direct invocation.
func ProfileNamed(name string) (Profile, error) {
	busy := breaker.Settings{FailureThreshold: 10, FailureWindow: 30 * time.Second, RecoveryTimeout: 15 * time.Second}
	switch name {
	case "default":
		return protected(exponential(3, time.Second, 10*time.Second), breaker.Settings{}), nil
	case "high_traffic":
		return protected(exponential(3, time.Second, 10*time.Second), busy), nil
	case "critical":
		return protected(exponential(5, 2*time.Second, 30*time.Second), breaker.Settings{}), nil
	case "database":
		return protected(exponential(3, 300*time.Millisecond, 3*time.Second), breaker.Settings{}), nil
	case "sessions":
		return Profile{Retry: exponential(3, 500*time.Millisecond, 5*time.Second)}, nil
	default:
		return Profile{}, fmt.Errorf("profile %q: want default, high_traffic, critical, database or sessions", name)
	}
}

func exponential(retries int, base, most time.Duration) retry.Policy {
	return retry.Policy{
		MaxRetries: retries, BaseDelay: base, MaxDelay: most,
		Strategy: retry.Exponential, Jitter: true, Reserve: Reserve,
	}
}

// failureRate is the share of failing calls that the profiles' circuits tolerate.
// A dependency that is 99 % well must not be made one that is 25 % well.
const failureRate = 0.2

func protected(policy retry.Policy, circuit breaker.Settings) Profile {
	circuit.FailureRate = failureRate
	return Profile{Retry: policy, Circuit: circuit.WithDefaults(), HasCircuit: true}
}

// Budget returns the longest time that a call takes if its tries obey their
// timeout: tries, longest back-offs, and the policy's reserve. Only a Retry-After
// of the dependency makes a call longer. If less is left of an invocation, the
// last retries are not made and the last try is shortened.
func Budget(policy retry.Policy, tryTimeout time.Duration) time.Duration {
	budget := tryTimeout + policy.Reserve
	for n := range policy.MaxRetries {
		budget += policy.Delay(n, 1) + tryTimeout
	}
	return budget
}
