package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Numbers are given by inserting at the last one's plus 1, and again where
// another message was faster: a number that is given is a message that is
// stored, so no crash leaves a gap. Each turn that is lost is another's message,
// so that as many appends at once all succeed.
const (
	maxTurns = 100
	// minPause is the longest that the first pause between turns may be; each
	// may be twice as long as the one before, to maxPause. All are random.
	minPause = 2 * time.Millisecond
	maxPause = 100 * time.Millisecond
	// sameEvery is how many turns may be lost to a message of the same id, sent
	// at the same time, before it is looked for again.
	sameEvery = 4
)

// errNoTurn ends a try that was still losing turns when its time was over.
var errNoTurn = fmt.Errorf("within a try: %w", ErrContended)

// Append adds a message of the id, or of a new one if that is empty. One that is
// there with the same role and content is given as it is, and created is false;
// with another it returns ErrConflict.
//
// It returns ErrContended if 100 other messages were faster, or in each try too
// many for its time. Without the index that CreateIndexes makes it is refused.
func (r *Repository) Append(ctx context.Context, owner, session, id string, role Role, content string) (m Message, created bool, err error) {
	if id == "" {
		id = newID()
	}
	wanted := entry{Role: role, Content: content, Writer: newID()}
	stored, err := call(ctx, r, appendMessage, func(ctx context.Context, db *mongo.Database) (entry, error) {
		found, err := r.find(ctx, db, owner, session)
		if err == nil {
			err = r.indexed.check(ctx, db)
		}
		if err == nil {
			err = r.extend(ctx, db, &found)
		}
		if err != nil {
			return entry{}, err
		}
		now := r.now()
		wanted.Key, wanted.Life, wanted.CreatedAt, wanted.ExpireAt = found.Life+":"+id, found.Life, now, now.Add(r.ttl)
		return store(ctx, db.Collection(messages), wanted)
	})
	return stored.message(), stored.Writer == wanted.Writer, err
}

// store returns the message as it is stored, by this call or an earlier one.
func store(ctx context.Context, c *mongo.Collection, wanted entry) (entry, error) {
	for turn := range maxTurns {
		stored, lost, err := take(ctx, c, wanted, turn)
		switch {
		case err == nil && !lost:
			return stored, nil
		case turn > 0 && ctx.Err() != nil:
			return entry{}, errNoTurn
		case err != nil:
			return entry{}, err
		}
		pause(ctx, turn)
	}
	return entry{}, ErrContended
}

// take tries to store the message as the next one; lost reports whether another
// was faster.
func take(ctx context.Context, c *mongo.Collection, wanted entry, turn int) (stored entry, lost bool, err error) {
	last, err := lastSeq(ctx, c, wanted.Life)
	if err != nil {
		return entry{}, false, err
	}
	wanted.Seq = last + 1
	_, err = c.InsertOne(ctx, wanted)
	switch {
	case !mongo.IsDuplicateKeyError(err):
		return wanted, false, ofChange(err)
	case turn%sameEvery != 0:
		return entry{}, true, nil
	}
	stored, err = same(ctx, c, wanted)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return entry{}, true, nil
	}
	return stored, false, err
}

func lastSeq(ctx context.Context, c *mongo.Collection, life string) (int64, error) {
	var last entry
	err := c.FindOne(ctx, bson.D{field(fieldLife, life)}, options.FindOne().
		SetSort(bson.D{field(fieldSeq, -1)}).SetProjection(bson.D{field(fieldSeq, 1)})).Decode(&last)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = nil
	}
	return last.Seq, err
}

// same returns the message of the same id, if it is the same in all.
func same(ctx context.Context, c *mongo.Collection, wanted entry) (entry, error) {
	var stored entry
	err := c.FindOne(ctx, bson.D{field(fieldID, wanted.Key)}).Decode(&stored)
	if err == nil && (stored.Role != wanted.Role || stored.Content != wanted.Content) {
		err = ErrConflict
	}
	return stored, err
}

// pause waits for a moment, or until ctx ends.
func pause(ctx context.Context, turn int) {
	timer := time.NewTimer(rand.N(min(minPause<<min(turn, 10), maxPause)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
