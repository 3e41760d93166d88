// Package breaker is a circuit breaker for a fleet of short-lived processes,
// such as the execution environments of an AWS Lambda function. The whole fleet
// shares one circuit.
//
// A circuit's state is one record in a Store. While the circuit is closed,
// calls write nothing, and each environment re-reads the record about once a
// second, in the background of a call. A failed call is added to the record.
// Any environment that sees the threshold of failures inside the window opens
// the circuit for all. After the recovery time, environments take turns at a
// probe: one at a time holds a lease and makes one call. Enough successes close
// the circuit and one failure opens it again. Every write is a compare-and-set
// fenced by generation and writer, and every outcome is fenced by the epoch that
// admitted its call. So crashes, freezes, lost replies, stale reads and late
// results do no harm.
//
// During a store outage, when the store cannot be reached, each environment
// applies the same rules to a record of its own: no call is rejected because
// the store is down, and the dependency stays protected.
//
// A failure with Outcome.OpenFor opens the circuit at once, for that time. An
// operator may set an Override on a circuit, for a limited time. Openings,
// closings and overrides are in the circuit's History.
//
// # Use
//
// Make one Breaker for each circuit when the process starts, Prime it, and
// make each call through Do or Run:
//
//	b, err := breaker.New(breaker.Config{
//		Settings: breaker.Settings{Name: "jira_api"},
//		Store:    dynamostore.New(…),
//	})
//	…
//	issue, err := breaker.Run(ctx, b, func(ctx context.Context, p *breaker.Permit) (Issue, error) {
//		return client.Issue(ctx, key)
//	})
//	if errors.Is(err, breaker.ErrOpen) { … }
//
// A rejection is an *OpenError that says when to try again. The protected call
// must obey its context. If it retries, it must not retry a call for which
// Permit.Probe is true, and should call Permit.Check before each retry.
//
// # Store
//
// Package dynamostore keeps the records in an Amazon DynamoDB table, package
// memstore in memory. Other stores implement Store and must pass the tests of
// package storetest.
//
// # Compatibility
//
// This package follows semantic versioning: within a major version no exported
// name changes its meaning, and binaries of neighbouring minor versions may
// share one table.
package breaker
