// Package breaker is a circuit breaker that a whole fleet of short-lived
// processes shares, such as the execution environments of an AWS Lambda
// function.
//
// A circuit's state is one record in a Store. While the circuit is closed a
// call costs no write, and about one read a second and environment, beside the
// call. A failed call is added to the record; whoever sees the threshold
// of failures inside the window opens the circuit, for everyone. After the
// recovery time one environment at a time, holding a lease, makes one probe;
// enough successes close the circuit and one failure opens it again. Every
// write is a compare-and-set fenced by generation and writer, and every
// outcome by the epoch that admitted its call, so that crashes, freezes, lost
// replies, stale reads and late results do no harm.
//
// While the store cannot be reached, each environment runs the same rules on a
// record of its own: no call is refused because the store is down, and the
// dependency stays protected.
//
// A failure that says how long to stop (Outcome.OpenFor) opens the circuit at
// once. An operator may lay an Override over a circuit, for a time. Each
// opening, closing and override is in the circuit's History.
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
// A rejection is an *OpenError that says when to come back. The protected
// call must obey its context. If it retries, it must not do so where
// Permit.Probe is true, and should ask Permit.Check before each further try.
//
// # Store
//
// Package dynamostore keeps the records in an Amazon DynamoDB table, package
// memstore in memory. Other stores implement Store; package storetest is the
// contract that they have to pass.
//
// # Compatibility
//
// This package follows semantic versioning: within a major version no exported
// name changes its meaning, and binaries of neighbouring minor versions may
// share one table.
package breaker
