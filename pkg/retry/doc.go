// Package retry repeats calls that failed for a temporary reason. It backs off
// exponentially with jitter, waits at least as long as the other side asked for
// (Retry-After), and starts no wait that would end too close to the context's
// deadline: such a wait could only lose the answer that is already there.
//
// MaxRetries counts retries, not tries: a Policy with MaxRetries 3 makes at most
// four tries. Everything is safe for concurrent use, and nothing outlives a
// call.
package retry
