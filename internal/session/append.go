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

// A message is numbered by inserting it with the last number plus 1, and again if
// another message took that number. A number exists only as a stored message, so a
// crash leaves no gap. Each lost turn is another append that succeeded, so 100
// appends at once all succeed.
const (
	maxTurns = 100
	// Pauses between turns are random, up to minPause at first, then up to twice as
	// much each time, to maxPause.
	minPause = 2 * time.Millisecond
	maxPause = 100 * time.Millisecond
	// sameEvery is how often, in lost turns, the message is looked for: an append of
	// the same id at the same time may have stored it.
	sameEvery = 4
)

// errNoTurn: the try's time was over before it won a turn.
var errNoTurn = fmt.Errorf("within a try: %w", ErrContended)

// Append adds a message with the id, or with a new one if id is empty. If the session
// has a message of the id, Append returns that one, and created is false, or
// ErrConflict if its role or content differs.
//
// It returns ErrContended if it lost 100 turns, or in every try more than it had time
// for. Without the index that CreateIndexes creates it returns an *Error.
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

// errLostTurn: another message has the number, or the id.
var errLostTurn = errors.New("another message was faster")

// store returns the message as stored, by this call or by an earlier one.
func store(ctx context.Context, c *mongo.Collection, wanted entry) (entry, error) {
	for turn := range maxTurns {
		stored, err := insertNext(ctx, c, wanted)
		if errors.Is(err, errLostTurn) && turn%sameEvery == 0 {
			stored, err = same(ctx, c, wanted)
		}
		switch {
		case err == nil:
			return stored, nil
		case turn > 0 && ctx.Err() != nil:
			return entry{}, errNoTurn
		case !errors.Is(err, errLostTurn):
			return entry{}, err
		}
		pause(ctx, turn)
	}
	return entry{}, ErrContended
}

// insertNext stores the message with the next number. It returns errLostTurn if
// another message took that, or has the id.
func insertNext(ctx context.Context, c *mongo.Collection, wanted entry) (entry, error) {
	last, err := lastSeq(ctx, c, wanted.Life)
	if err != nil {
		return entry{}, err
	}
	wanted.Seq = last + 1
	_, err = c.InsertOne(ctx, wanted)
	if mongo.IsDuplicateKeyError(err) {
		return entry{}, errLostTurn
	}
	return wanted, ofChange(err)
}

// lastSeq returns the number of the last message, 0 if there is no message.
func lastSeq(ctx context.Context, c *mongo.Collection, life string) (int64, error) {
	var last entry
	err := c.FindOne(ctx, bson.D{field(fieldLife, life)}, options.FindOne().
		SetSort(bson.D{field(fieldSeq, -1)}).SetProjection(bson.D{field(fieldSeq, 1)})).Decode(&last)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = nil
	}
	return last.Seq, err
}

// same returns the stored message of the id. It returns ErrConflict if its role or
// content differs, and errLostTurn if there is no message of the id: then it was the
// number that was taken.
func same(ctx context.Context, c *mongo.Collection, wanted entry) (entry, error) {
	var stored entry
	err := c.FindOne(ctx, bson.D{field(fieldID, wanted.Key)}).Decode(&stored)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		return entry{}, errLostTurn
	case err == nil && (stored.Role != wanted.Role || stored.Content != wanted.Content):
		return entry{}, ErrConflict
	}
	return stored, err
}

// pause waits for a random time, or until ctx ends.
func pause(ctx context.Context, turn int) {
	timer := time.NewTimer(rand.N(min(minPause<<min(turn, 10), maxPause)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
