package session

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

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

// record is a session's document. Metadata is the client's JSON text: it comes
// back as it was, to the digits of its numbers, and none of its names can mean
// something to the database.
type record struct {
	Key       string     `bson:"_id,omitempty"` // set by what finds it
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
	DeletedAt *time.Time `bson:"deleted_at,omitempty"` // its messages may still have to go
}

// key is a session's _id. Owners may hold a colon, ids do not: the last one
// parts them.
func key(owner, id string) string { return owner + ":" + id }

// live reports whether the session is there to its owner. MongoDB sweeps what has
// expired once a minute or so.
func (r record) live(now time.Time) bool { return r.DeletedAt == nil && r.ExpireAt.After(now) }

func (r record) session() Session {
	return Session{
		ID: r.ID, UserID: r.Owner, Title: r.Title, Metadata: json.RawMessage(cmp.Or(r.Metadata, "{}")), Version: r.Version,
		CreatedAt: stamp(r.CreatedAt), UpdatedAt: stamp(r.UpdatedAt), ExpiresAt: stamp(r.ExpireAt), life: r.Life,
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
	return Message{ID: id, Seq: e.Seq, Role: e.Role, Content: e.Content, CreatedAt: stamp(e.CreatedAt)}
}

// Shorthands for documents in which order matters.

func field(name string, value any) bson.E { return bson.E{Key: name, Value: value} }

func after(t time.Time) bson.D { return bson.D{field("$gt", t)} }
