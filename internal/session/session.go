// Package session keeps chat sessions and their messages in MongoDB, each
// operation one retried call, and serves their HTTP routes.
//
// Two collections. A session's document is found by its owner and id; it holds
// no messages. Ids can be used again, after deletion or expiry: each time the
// session has another life, a number of its own, and messages belong to a life,
// so that none of an earlier one shows. Messages of a life are numbered from 1
// without a gap, as the unique index on life and number has it; they are found
// by the client's id of them, which makes appending repeatable. Messages expire
// each for itself, the oldest first; where all have, numbers begin at 1 again.
//
// Every write can be made again: what it makes has its id before the first try,
// and what it changes is marked with the writer's, so that a try whose reply was
// lost is known by the next. No transaction is needed: MongoDB may be one
// server, a replica set or Atlas.
package session

import (
	"encoding/json"
	"time"
)

// Limits of what is kept.
const (
	maxOwner    = 256       // bytes of a subject
	maxID       = 64        // characters of an id
	maxTitle    = 255       // characters
	maxMetadata = 64 << 10  // bytes of JSON without spaces
	maxNames    = 500       // in metadata, at all depths together
	maxDepth    = 10        // of metadata
	maxName     = 128       // bytes of a name in metadata
	maxContent  = 256 << 10 // bytes
)

// Session is a session as its owner sees it.
type Session struct {
	ID     string `json:"session_id"`
	UserID string `json:"user_id"`
	Title  string `json:"title"`
	// Metadata is a JSON object, left out of lists.
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Version   int64           `json:"version"` // counts changes of title and metadata, from 1
	CreatedAt stamp           `json:"created_at"`
	UpdatedAt stamp           `json:"updated_at"` // of title and metadata
	// ExpiresAt moves on when something is written to the session.
	ExpiresAt stamp `json:"expires_at"`

	life string
}

// Data is what a client can set of a session: nil is left as it is, which is at
// first an empty title and an empty object.
type Data struct {
	Title    *string
	Metadata json.RawMessage
}

// Role is who speaks in a message.
type Role string

// The roles.
const (
	User      Role = "user"
	Assistant Role = "assistant"
	System    Role = "system"
	Tool      Role = "tool"
)

func (r Role) known() bool { return r == User || r == Assistant || r == System || r == Tool }

// Message is a message of a session.
type Message struct {
	ID        string `json:"id"`
	Seq       int64  `json:"seq"` // from 1, without a gap
	Role      Role   `json:"role"`
	Content   string `json:"content"`
	CreatedAt stamp  `json:"created_at"`
}

// stamp is a time in UTC, always with six digits of fraction. MongoDB keeps
// three.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	return []byte(time.Time(s).UTC().Format(`"2006-01-02T15:04:05.000000Z"`)), nil
}
