package session

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Create creates a session with a new id.
func (r *Repository) Create(ctx context.Context, owner string, data Data) (Session, error) {
	created, _, err := r.ensure(ctx, createSession, owner, newID(), data)
	return created, err
}

// Ensure returns the session and creates it with data if it does not exist.
// Concurrent calls create one.
func (r *Repository) Ensure(ctx context.Context, owner, id string, data Data) (s Session, created bool, err error) {
	return r.ensure(ctx, ensureSession, owner, id, data)
}

// ensure recognizes a session that it created itself, in any of its tries, by its
// life.
func (r *Repository) ensure(ctx context.Context, operation, owner, id string, data Data) (Session, bool, error) {
	now := r.now()
	wanted := record{
		Owner: owner, ID: id, Life: newLife(now), Metadata: string(data.Metadata), Version: 1,
		CreatedAt: now, UpdatedAt: now, ExpireAt: r.expiry(now),
	}
	if data.Title != nil {
		wanted.Title = *data.Title
	}
	stored, err := call(ctx, r, operation, func(ctx context.Context, db *mongo.Database) (record, error) {
		for range 3 {
			stored, err := upsert(ctx, db, key(owner, id), wanted)
			if err == nil && !stored.live(r.now()) {
				err = purge(ctx, db, stored)
				if err == nil {
					continue
				}
			}
			if err == nil {
				err = r.extend(ctx, db, &stored)
			}
			return stored, err
		}
		return record{}, ErrContended // it was deleted again each time
	})
	return stored.session(), stored.Life == wanted.Life, err
}

// upsert returns the document of a session, live or not. It inserts wanted if there
// is no document.
func upsert(ctx context.Context, db *mongo.Database, key string, wanted record) (record, error) {
	filter, update := bson.D{field(fieldID, key)}, bson.D{field("$setOnInsert", wanted)}
	o := options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)
	var stored record
	err := db.Collection(sessions).FindOneAndUpdate(ctx, filter, update, o).Decode(&stored)
	if mongo.IsDuplicateKeyError(err) {
		// Of two concurrent upserts of one key the server can fail one.
		err = db.Collection(sessions).FindOneAndUpdate(ctx, filter, update, o).Decode(&stored)
	}
	return stored, ofChange(err)
}

// purge removes a session that is not live. The messages of a deleted one are removed
// first, because only its document leads to them; those of an expired one expired
// before it. A session that was revived in between stays.
func purge(ctx context.Context, db *mongo.Database, dead record) error {
	if dead.DeletedAt != nil {
		if err := deleteMessages(ctx, db, dead.Life); err != nil {
			return err
		}
	}
	_, err := db.Collection(sessions).DeleteOne(ctx, bson.D{
		field(fieldID, dead.Key), field(fieldLife, dead.Life), field(fieldExpiry, dead.ExpireAt),
	})
	return err
}

// extend moves the expiry of a session in use, if less than the TTL is left.
func (r *Repository) extend(ctx context.Context, db *mongo.Database, s *record) error {
	now := r.now()
	if s.ExpireAt.Sub(now) >= r.ttl {
		return nil
	}
	later := r.expiry(now)
	_, err := db.Collection(sessions).UpdateOne(ctx, alive(s.Key, s.Life, now), bson.D{field("$max", bson.D{field(fieldExpiry, later)})})
	if err == nil {
		s.ExpireAt = later
	}
	return err
}

// alive returns the filter for changing a session: it matches only until this life
// ends.
func alive(key, life string, now time.Time) bson.D {
	return bson.D{field(fieldID, key), field(fieldLife, life), field(fieldDeleted, nil), field(fieldExpiry, after(now))}
}
