package session

import (
	"context"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// maxPage is the most that a page of history may weigh: Lambda's answers end at
// 6 MB.
const maxPage = 5_000_000

// History returns a page of a session's messages, the newest first: those before
// the place that a former page named as next. It is one query of the index on
// life and number, however long the session. A page holds limit messages, or as
// many as a Lambda function can answer with.
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

// parsePlace reads where a page begins. That of another life means nothing.
func parsePlace(place, life string) (seq int64, ok bool) {
	number, ok := strings.CutPrefix(place, life+":")
	seq, err := strconv.ParseInt(number, 10, 64)
	return seq, ok && err == nil
}

// fill reads messages from the cursor until the page is full.
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

// weigh returns the bytes that a message takes in a Lambda function's answer, at
// most: as JSON in a string of JSON.
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
