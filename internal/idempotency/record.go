// Package idempotency remembers which creation was asked for under which key,
// and what became of it, so that one that is asked for twice happens once.
//
// The service that creates takes no part in the record's writes: between the
// request to it and the record of its answer, anything may die. So a record
// never tells by itself that nothing was created. What it tells is who may send
// the request now, and whether an earlier one may have been performed, which
// then has to be looked for at the service before another is sent.
package idempotency

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Key is under what a creation is asked for.
type Key struct {
	Operation string
	Subject   string // the verified caller; empty where there is none
	Value     string // the caller's own
	Payload   string // a hash of what is asked for: see Hash
}

// id is a hash of the key and its scope. Lengths go in, lest two scopes run
// into the same text.
func (k Key) id() string {
	var scope []byte
	for _, part := range []string{k.Operation, k.Subject, k.Value} {
		scope = append(strconv.AppendInt(scope, int64(len(part)), 10), ':')
		scope = append(scope, part...)
	}
	return Hash(scope)
}

// Hash is the SHA-256 of data in hexadecimal.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// label is what the created thing carries to be found by. 64 bits of the hash
// are enough: a search has the time of creation to go by as well.
func label(id string) string { return "idem-" + id[:16] }

// State is what became of a creation.
type State string

const (
	InProgress State = "in_progress" // the writer may send the request until its lease ends
	Unknown    State = "unknown"     // a request was sent and may have been performed
	Released   State = "released"    // nothing was created, and nothing is on its way
	Completed  State = "completed"   // the issue exists
)

// Record is the whole truth that is kept of a key. Times are milliseconds of
// the Unix epoch by their writer's clock. The zero Record is that of a key that
// was never used.
type Record struct {
	State   State
	Payload string
	// Version grows with each write. Writer is who wrote last, a random name and
	// a number: no two writes share one, be they of the same call.
	Version int64
	Writer  string
	// LeaseUntil ends the writer's leave to send.
	LeaseUntil int64
	// SentUntil is the last moment at which a request of an earlier call, or an
	// ambiguous one of this one, may have been sent; 0 if there is none such.
	SentUntil int64
	// BornAt is when the first request that may have been performed can have
	// been sent at the earliest.
	BornAt int64
	// Unlabelled: requests go without the label, which the service refused.
	Unlabelled bool
	// ExpiresAt is in seconds, as DynamoDB wants it.
	ExpiresAt int64
	Attempts  int // leases taken

	IssueID, IssueKey string
}

const (
	// life is how long a key is remembered after the last call that might have
	// sent something: what retries of clients, queues and state machines need.
	life = 24 * time.Hour

	// settleAfter is how long after a request may have been sent it can still
	// turn up in a search. Searches lag behind by seconds, and a request that the
	// client has left may be performed within the minute or so that the service's
	// edge lets it live. Ten minutes are several times both. What remains is a
	// search index that lags longer, or an issue whose label was taken off: then
	// a replay after this time makes a second issue.
	settleAfter = 10 * time.Minute
)
