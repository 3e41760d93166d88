package session

import (
	"context"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// messageOrder is the name of the index that numbers messages.
const messageOrder = "life_seq"

// CreateIndexes creates the missing indexes and returns the names of all. Without
// them nothing expires, lists and histories are slow, and Append fails.
func CreateIndexes(ctx context.Context, uri, name string) ([]string, error) {
	client, err := connect(uri, nil)
	if err != nil {
		return nil, err
	}
	defer closeClient(client)
	db := client.Database(name)
	expiry := mongo.IndexModel{
		Keys:    bson.D{field(fieldExpiry, 1)},
		Options: options.Index().SetName("expiry").SetExpireAfterSeconds(0),
	}
	var made []string
	for collection, own := range map[string]mongo.IndexModel{
		sessions: {Keys: bson.D{field(fieldOwner, 1), field(fieldLife, -1)}, Options: options.Index().SetName("owner_life")},
		messages: {Keys: bson.D{field(fieldLife, 1), field(fieldSeq, 1)}, Options: options.Index().SetName(messageOrder).SetUnique(true)},
	} {
		names, err := db.Collection(collection).Indexes().CreateMany(ctx, []mongo.IndexModel{own, expiry})
		if err != nil {
			return nil, fromDriver(ctx, err, 0)
		}
		for _, name := range names {
			made = append(made, collection+"."+name)
		}
	}
	return made, nil
}

// indexed caches that the index exists: without it two messages could get the same
// number.
type indexed struct{ found atomic.Bool }

func (i *indexed) check(ctx context.Context, db *mongo.Database) error {
	if i.found.Load() {
		return nil
	}
	indexes, err := db.Collection(messages).Indexes().ListSpecifications(ctx)
	if err != nil {
		return err
	}
	for _, index := range indexes {
		if index.Name == messageOrder && index.Unique != nil && *index.Unique {
			i.found.Store(true)
			return nil
		}
	}
	return &Error{Reason: reasonIndexes}
}
