// Package retry makes a call again when it failed for a passing reason: with
// exponential back-off and jitter, no sooner than the other side asked for
// (Retry-After), and never into the last moments before the context's
// deadline, when waiting could only lose the answer already there.
//
// It counts retries, not tries: a Policy with MaxAttempts 3 makes at most four
// tries. Everything is safe for concurrent use, and nothing outlives a call.
package retry
