package session

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// keptDeleted is how long a deleted session is known to have been there, so
// that deleting can be repeated.
const keptDeleted = 24 * time.Hour

// Delete takes away a session and its messages. It may be repeated, and has to
// be if it fails: the session is gone at once, its messages may remain, unseen,
// until it is deleted or made again, or they expire.
//
// A message that is appended at the same time may come after the deletion and
// remain likewise.
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
