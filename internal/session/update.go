package session

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// keptWriters is the number of recorded writers. A writer must still find itself after
// the changes of others during the tries of one call.
const keptWriters = 16

// Update changes the session's title and metadata to the non-nil fields of data. It
// returns ErrVersion if the session is no longer at the life and version of the tag.
func (r *Repository) Update(ctx context.Context, owner, id string, is tag, data Data) (Session, error) {
	writer := newID()
	updated, err := call(ctx, r, updateSession, func(ctx context.Context, db *mongo.Database) (record, error) {
		now := r.now()
		filter := append(alive(key(owner, id), is.life, now), field(fieldVersion, is.version))
		set := bson.D{field(fieldUpdated, now)}
		if data.Title != nil {
			set = append(set, field(fieldTitle, *data.Title))
		}
		if data.Metadata != nil {
			set = append(set, field(fieldMeta, string(data.Metadata)))
		}
		update := bson.D{
			field("$set", set), field("$inc", bson.D{field(fieldVersion, 1)}),
			field("$max", bson.D{field(fieldExpiry, r.expiry(now))}),
			field("$push", bson.D{field(fieldWriters, bson.D{field("$each", bson.A{writer}), field("$slice", -keptWriters)})}),
		}
		var updated record
		err := db.Collection(sessions).FindOneAndUpdate(ctx, filter, update,
			options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&updated)
		if errors.Is(err, mongo.ErrNoDocuments) { // another version, or no session
			return r.unmatched(ctx, db, owner, id, writer)
		}
		return updated, err
	})
	return updated.session(), err
}

// unmatched returns the session if this call changed it itself, in a try whose reply
// was lost. Otherwise it returns ErrNotFound or ErrVersion.
func (r *Repository) unmatched(ctx context.Context, db *mongo.Database, owner, id, writer string) (record, error) {
	found, err := r.find(ctx, db, owner, id)
	if err == nil && !slices.Contains(found.Writers, writer) {
		err = ErrVersion
	}
	return found, err
}
