// Package idempotency records which creation was requested under which key, and
// its outcome, so that a creation requested twice happens once.
//
// The service that creates knows nothing of these records: between the request and
// the record of its answer, anything may die. So a record never claims by itself
// that nothing was created. It says who may send the request now, and whether an
// earlier one may have been performed. If so, the caller must search for its
// result at the service before it sends another.
package idempotency

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Key identifies a creation.
type Key struct {
	Operation string
	Subject   string // the verified caller; empty where there is none
	Value     string // chosen by the caller
	Payload   string // hash of the request: see Hash
}

// id returns a hash of the key and its scope. It includes the lengths, so that no
// two scopes make the same text.
func (k Key) id() string {
	var scope []byte
	for _, part := range []string{k.Operation, k.Subject, k.Value} {
		scope = append(strconv.AppendInt(scope, int64(len(part)), 10), ':')
		scope = append(scope, part...)
	}
	return Hash(scope)
}

// Hash returns the SHA-256 of data in hexadecimal.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// label returns the label by which a search finds the issue. 64 bits of the hash
// are enough, because the search is bounded by the time of creation too.
func label(id string) string { return "idem-" + id[:16] }

// State is the outcome of a creation, as far as it is known.
type State string

const (
	InProgress State = "in_progress" // the writer may send the request until its lease ends
	Unknown    State = "unknown"     // a request was sent and may have been performed
	Released   State = "released"    // nothing was created, and nothing is on its way
	Completed  State = "completed"   // the issue exists
)

// Record is all that is stored of a key. Times are Unix milliseconds by their
// writer's clock. The zero Record is that of a key that was never used.
type Record struct {
	State   State
	Payload string
	// Version grows with each write. Writer names the last write by a random name
	// and a number: no two writes share one, even within a call.
	Version int64
	Writer  string
	// LeaseUntil is when the writer must have stopped sending.
	LeaseUntil int64
	// SentUntil is the last moment at which a request of unknown outcome may have
	// been sent; 0 if none was.
	SentUntil int64
	// BornAt is the earliest time of the first request that may have been
	// performed.
	BornAt int64
	// Unlabelled: requests carry no label, because the service rejected it.
	Unlabelled bool
	// ExpiresAt is in seconds, as DynamoDB wants it.
	ExpiresAt int64
	Attempts  int // leases taken

	IssueID, IssueKey string
}

const (
	// life is how long a key is kept after the last call that may have sent a
	// request: enough for retries of clients, queues and state machines.
	life = 24 * time.Hour

	// settleAfter is how long after a request its result can still turn up in a
	// search. Searches lag by seconds, and a request that the client has abandoned
	// may be performed within the minute or so that the service's edge keeps it.
	// Ten minutes are several times both. If the index lags longer, or the label
	// was removed, a replay after this time creates a second issue.
	settleAfter = 10 * time.Minute
)
