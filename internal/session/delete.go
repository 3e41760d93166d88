package session

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// keptDeleted is how long the document of a deleted session is kept, so that a
// deletion can be repeated.
const keptDeleted = 24 * time.Hour

// Delete deletes a session and its messages. It is idempotent, and must be repeated
// if it fails: the session is gone at once, but its messages can remain, invisible,
// until it is deleted or created again, or they expire. So can a message that is
// appended during the deletion.
func (r *Repository) Delete(ctx context.Context, owner, id string) error {
	_, err := call(ctx, r, deleteSession, func(ctx context.Context, db *mongo.Database) (struct{}, error) {
		now := r.now()
		mark := bson.D{
			field("$set", bson.D{field(fieldDeleted, now)}),
			field("$min", bson.D{field(fieldExpiry, now.Add(keptDeleted))}),
			field("$unset", bson.D{field(fieldTitle, ""), field(fieldMeta, "")}),
		}
		var marked record
		err := db.Collection(sessions).FindOneAndUpdate(ctx,
			bson.D{field(fieldID, key(owner, id)), field(fieldExpiry, after(now))}, mark,
			options.FindOneAndUpdate().SetProjection(bson.D{field(fieldLife, 1)})).Decode(&marked)
		switch {
		case errors.Is(err, mongo.ErrNoDocuments):
			return struct{}{}, ErrNotFound
		case err != nil:
			return struct{}{}, err
		}
		return struct{}{}, deleteMessages(ctx, db, marked.Life)
	})
	return err
}

func deleteMessages(ctx context.Context, db *mongo.Database, life string) error {
	_, err := db.Collection(messages).DeleteMany(ctx, bson.D{field(fieldLife, life)})
	return err
}
