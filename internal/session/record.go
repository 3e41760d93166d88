package session

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Collections, and the fields that queries name.
const (
	sessions = "sessions"
	messages = "messages"

	fieldID      = "_id"
	fieldOwner   = "owner"
	fieldLife    = "life"
	fieldSeq     = "seq"
	fieldVersion = "version"
	fieldExpiry  = "expire_at"
	fieldDeleted = "deleted_at"
	fieldWriters = "writers"
	fieldTitle   = "title"
	fieldMeta    = "metadata"
	fieldUpdated = "updated_at"
)

// record is a session's document. Metadata is stored as the client's JSON text, so it
// comes back unchanged, to the digits of its numbers, and none of its names has a
// meaning for the database.
type record struct {
	Key       string     `bson:"_id,omitempty"` // set by the filter of the upsert
	Owner     string     `bson:"owner"`
	ID        string     `bson:"session_id"`
	Life      string     `bson:"life"`
	Title     string     `bson:"title"`
	Metadata  string     `bson:"metadata"`
	Version   int64      `bson:"version"`
	Writers   []string   `bson:"writers,omitempty"` // of the last changes
	CreatedAt time.Time  `bson:"created_at"`
	UpdatedAt time.Time  `bson:"updated_at"`
	ExpireAt  time.Time  `bson:"expire_at"`
	DeletedAt *time.Time `bson:"deleted_at,omitempty"` // its messages might not be deleted yet
}

// live reports whether the owner sees the session. MongoDB removes expired documents
// only about once a minute.
func (r record) live(now time.Time) bool { return r.DeletedAt == nil && r.ExpireAt.After(now) }

func (r record) session() Session {
	return Session{
		ID: r.ID, UserID: r.Owner, Title: r.Title, Metadata: json.RawMessage(cmp.Or(r.Metadata, "{}")), Version: r.Version,
		CreatedAt: gateway.Timestamp(r.CreatedAt), UpdatedAt: gateway.Timestamp(r.UpdatedAt), ExpiresAt: gateway.Timestamp(r.ExpireAt), life: r.Life,
	}
}

// entry is a message's document.
type entry struct {
	Key       string    `bson:"_id"` // life, colon, id
	Life      string    `bson:"life"`
	Seq       int64     `bson:"seq"`
	Role      Role      `bson:"role"`
	Content   string    `bson:"content"`
	Writer    string    `bson:"writer"` // the call that stored it
	CreatedAt time.Time `bson:"created_at"`
	ExpireAt  time.Time `bson:"expire_at"`
}

func (e entry) message() Message {
	_, id, _ := strings.Cut(e.Key, ":")
	return Message{ID: id, Seq: e.Seq, Role: e.Role, Content: e.Content, CreatedAt: gateway.Timestamp(e.CreatedAt)}
}

// Shorthands for documents in which order matters.

func field(name string, value any) bson.E { return bson.E{Key: name, Value: value} }

func after(t time.Time) bson.D { return bson.D{field("$gt", t)} }
