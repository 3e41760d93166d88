// Package session stores chat sessions and their messages in MongoDB, each
// operation one guarded call, and serves their HTTP routes.
//
// There are two collections. A session's document has its owner and id as key and
// holds no messages. An id can be used again after deletion or expiry: each time the
// session gets a new life, a unique number. Messages belong to a life, so those of an
// earlier life are never seen. A unique index on life and number numbers the messages
// of a life from 1 without a gap. A message's key is its life and the client's id,
// which makes appending idempotent. Messages expire one by one, oldest first; if all
// have expired, numbers start at 1 again.
//
// Every write is safe to repeat: what it creates has its id before the first try,
// and what it changes records the writer, so the next try recognizes one whose reply
// was lost. No transaction is needed, so MongoDB can be one server, a replica set or
// Atlas.
package session

import (
	"encoding/json"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

// Limits of stored data.
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
	Metadata  json.RawMessage   `json:"metadata,omitempty"`
	Version   int64             `json:"version"` // counts changes of title and metadata, from 1
	CreatedAt gateway.Timestamp `json:"created_at"`
	UpdatedAt gateway.Timestamp `json:"updated_at"` // of title and metadata
	// ExpiresAt moves on when something is written to the session.
	ExpiresAt gateway.Timestamp `json:"expires_at"`

	life string
}

// Data is the part of a session that a client sets. A nil field is left unchanged; in a
// new session it is empty.
type Data struct {
	Title    *string
	Metadata json.RawMessage
}

// Role is the author of a message.
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
	ID        string            `json:"id"`
	Seq       int64             `json:"seq"` // from 1, without a gap
	Role      Role              `json:"role"`
	Content   string            `json:"content"`
	CreatedAt gateway.Timestamp `json:"created_at"`
}
