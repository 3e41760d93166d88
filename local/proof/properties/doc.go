// Package properties tests the circuit breaker through its exported API: random
// stories of a fleet against a reference that is written differently, histories of
// concurrent operations on real stores against a sequential model, fuzzing of all
// input, and the absence of anything that outlives a call. Each test also finds
// planted bugs.
package properties
