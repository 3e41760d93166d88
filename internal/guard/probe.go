package guard

import (
	"context"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// boundProbe bounds the context of a probe by the probe's deadline.
func boundProbe(ctx context.Context, permit *breaker.Permit) (context.Context, context.CancelFunc) {
	if !permit.Probe() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, permit.Deadline())
}

// probeOnce returns the policy of an admitted call: a probe is tried once.
func probeOnce(policy retry.Policy, permit *breaker.Permit) retry.Policy {
	if permit.Probe() {
		policy.MaxRetries = 0
	}
	return policy
}
