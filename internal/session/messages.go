package session

import (
	"context"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// maxPage is the largest page of messages, in bytes of a Lambda answer (see weigh),
// whose limit is 6 MB.
const maxPage = 5_000_000

// History returns a page of a session's messages, newest first, from before on: the
// next of an earlier page, or "" for the first. It is one query of the index on life
// and number, whatever the length of the session. A page holds limit messages, or
// fewer if a Lambda answer holds no more.
func (r *Repository) History(ctx context.Context, owner, session, before string, limit int) (page []Message, next string, err error) {
	type result struct {
		life  string
		page  []Message
		whole bool // no message follows
	}
	found, err := call(ctx, r, getHistory, func(ctx context.Context, db *mongo.Database) (result, error) {
		s, err := r.find(ctx, db, owner, session)
		if err != nil {
			return result{}, err
		}
		place := bson.D{field(fieldLife, s.Life)}
		if before != "" {
			seq, ok := parsePlace(before, s.Life)
			if !ok {
				return result{}, ErrToken
			}
			place = append(place, field(fieldSeq, bson.D{field("$lt", seq)}))
		}
		cursor, err := db.Collection(messages).Find(ctx, append(place, field(fieldExpiry, after(r.now()))),
			options.Find().SetSort(bson.D{field(fieldSeq, -1)}).SetLimit(oneBatch(limit+1)))
		if err != nil {
			return result{}, err
		}
		defer cursor.Close(ctx)
		page, whole, err := fill(ctx, cursor, limit)
		return result{s.Life, page, whole}, err
	})
	if err != nil || found.whole {
		return found.page, "", err
	}
	return found.page, found.life + ":" + strconv.FormatInt(found.page[len(found.page)-1].Seq, 10), nil
}

// parsePlace returns the number in a page's next. ok is false if it is malformed or
// belongs to another life.
func parsePlace(place, life string) (seq int64, ok bool) {
	number, ok := strings.CutPrefix(place, life+":")
	seq, err := strconv.ParseInt(number, 10, 64)
	return seq, ok && err == nil
}

// fill reads messages from the cursor until the page is full. whole reports whether
// the cursor ended first.
func fill(ctx context.Context, cursor *mongo.Cursor, limit int) (page []Message, whole bool, err error) {
	weight := 0
	for cursor.Next(ctx) {
		var e entry
		if err := cursor.Decode(&e); err != nil {
			return nil, false, err
		}
		m := e.message()
		weight += weigh(m)
		if len(page) == limit || weight > maxPage && len(page) > 0 {
			return page, false, nil
		}
		page = append(page, m)
	}
	return page, true, cursor.Err()
}

// weigh returns an upper bound of the bytes of a message in a Lambda answer, where it
// is JSON within a JSON string.
func weigh(m Message) int {
	const rest = 256 // names, numbers and id
	weight := rest + len(m.Content)
	for i := range len(m.Content) {
		switch c := m.Content[i]; {
		case c < ' ' || c == 0xE2: // \\u0001; U+2028 and U+2029 begin with E2
			weight += 6
		case c == '"' || c == '\\':
			weight += 3
		}
	}
	return weight
}
