package session

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/coldfuse/coldfuse/internal/guard"
)

// The operations, as their hystrix commands, log lines and metrics name them.
const (
	createSession = "sessions.create_session"
	ensureSession = "sessions.ensure_session_exists"
	listSessions  = "sessions.list_sessions"
	getSession    = "sessions.get_session"
	updateSession = "sessions.update_session"
	deleteSession = "sessions.delete_session"
	appendMessage = "sessions.append_message"
	getHistory    = "sessions.get_session_history"
)

// Operations are the operations that a Repository's Guard must have.
var Operations = []string{
	createSession, ensureSession, listSessions, getSession, updateSession, deleteSession, appendMessage, getHistory,
}

// Config of a Repository. URI, Database, TTL and Guard are required.
type Config struct {
	// URI reads the secret: a connection string with user and password. It is called
	// when a connection is first needed, again if that failed, and at most once a
	// minute while MongoDB rejects the credentials.
	URI      func(context.Context) (string, error)
	Database string
	// TTL is how long a message is kept, and a session after its last write. A session
	// may be kept a tenth longer.
	TTL time.Duration
	// Guard must use Retryable and Classify. It has no circuit.
	Guard *guard.Guard
	// Rejected is called when MongoDB rejects the credentials.
	Rejected func(context.Context)
	// Unusable is called with the reason why the secret cannot be read or used. The
	// error shows nothing of the secret if URI's errors do not.
	Unusable func(context.Context, error)
	// Now is the clock of creation and expiry. Default time.Now.
	Now func() time.Time
	// Options changes the driver's options, for tests.
	Options func(*options.ClientOptions)
}

// Repository stores sessions and messages. It is safe for concurrent use and connects
// on first use.
//
// The owner and ids passed to its methods must be valid; the handlers check them. The
// methods return ErrNotFound for a session of another owner, or one that is expired
// or deleted, and *Error, with the guard's number of attempts, if MongoDB failed.
type Repository struct {
	guard    *guard.Guard
	database *database
	ttl      time.Duration
	rejected func(context.Context)
	unusable func(context.Context, error)
	clock    func() time.Time
	indexed  indexed
}

// New returns a Repository. It makes no connection.
func New(c Config) *Repository {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rejected == nil {
		c.Rejected = func(context.Context) {}
	}
	if c.Unusable == nil {
		c.Unusable = func(context.Context, error) {}
	}
	return &Repository{
		guard: c.Guard, ttl: c.TTL, rejected: c.Rejected, unusable: c.Unusable, clock: c.Now,
		database: newDatabase(c),
	}
}

// Close closes the connections and waits up to 3 s for operations in flight. A later
// call opens new ones.
func (r *Repository) Close() {
	client := r.database.client.Current()
	if client == nil {
		return
	}
	r.database.client.Set(nil)
	closeClient(client)
}

// now returns the time in MongoDB's precision.
func (r *Repository) now() time.Time { return r.clock().UTC().Truncate(time.Millisecond) }

// expiry returns when a session expires that is written to at now. The margin of a
// tenth saves writes: the expiry moves only when less than the TTL is left.
func (r *Repository) expiry(now time.Time) time.Time { return now.Add(r.ttl + r.ttl/10) }

// call makes one guarded call. try must be safe to repeat.
func call[T any](ctx context.Context, r *Repository, operation string, try func(context.Context, *mongo.Database) (T, error)) (T, error) {
	var unsure atomic.Bool // whether an earlier try may have changed something
	value, err := guard.Run(ctx, r.guard, operation, func(ctx context.Context) (T, error) {
		began := time.Now()
		var value T
		db, err := r.database.open(ctx)
		if err == nil {
			value, err = try(ctx, db)
		}
		if err != nil {
			err = fromDriver(ctx, err, time.Since(began))
		}
		if e, ok := errors.AsType[*Error](err); ok {
			unsure.CompareAndSwap(false, e.Ambiguous)
			e.Ambiguous = unsure.Load()
			r.authenticationFailed(ctx, db, e)
		}
		return value, err
	})
	r.reportSecret(ctx, err)
	return value, err
}

// authenticationFailed reports rejected credentials and makes the error retryable if
// the secret has changed.
func (r *Repository) authenticationFailed(ctx context.Context, db *mongo.Database, e *Error) {
	if e.Reason != reasonAuthentication || db == nil {
		return
	}
	renewed, err := r.database.renew(ctx, db)
	e.passing = renewed
	r.reportSecret(ctx, err)
	r.rejected(ctx)
}

// reportSecret reports why the secret cannot be used, if err is due to that.
func (r *Repository) reportSecret(ctx context.Context, err error) {
	if e, ok := errors.AsType[*Error](err); ok && e.secret != nil {
		r.unusable(ctx, e.secret)
	}
}

// find returns the document of a live session, or ErrNotFound.
func (r *Repository) find(ctx context.Context, db *mongo.Database, owner, id string) (record, error) {
	var found record
	err := db.Collection(sessions).FindOne(ctx, bson.D{field(fieldID, key(owner, id))}).Decode(&found)
	if errors.Is(err, mongo.ErrNoDocuments) || err == nil && !found.live(r.now()) {
		err = ErrNotFound
	}
	return found, err
}

// Get returns a session.
func (r *Repository) Get(ctx context.Context, owner, id string) (Session, error) {
	found, err := call(ctx, r, getSession, func(ctx context.Context, db *mongo.Database) (record, error) {
		return r.find(ctx, db, owner, id)
	})
	return found.session(), err
}

// List returns a page of the owner's sessions, newest first, from before on: the next
// of an earlier page, or "" for the first.
func (r *Repository) List(ctx context.Context, owner, before string, limit int) (page []Session, next string, err error) {
	filter := bson.D{field(fieldOwner, owner), field(fieldDeleted, nil), field(fieldExpiry, after(r.now()))}
	if before != "" {
		if !isID(before) { // lives have the form of ids
			return nil, "", ErrToken
		}
		filter = append(filter, field(fieldLife, bson.D{field("$lt", before)}))
	}
	o := options.Find().SetSort(bson.D{field(fieldLife, -1)}).SetLimit(oneBatch(limit + 1)).
		SetProjection(bson.D{field(fieldMeta, 0), field(fieldWriters, 0)})
	found, err := call(ctx, r, listSessions, func(ctx context.Context, db *mongo.Database) ([]record, error) {
		cursor, err := db.Collection(sessions).Find(ctx, filter, o)
		if err != nil {
			return nil, err
		}
		var found []record
		return found, cursor.All(ctx, &found)
	})
	for _, f := range found[:min(limit, len(found))] {
		s := f.session()
		s.Metadata = nil // a page of them could be too large for Lambda
		page = append(page, s)
	}
	if len(found) > limit {
		next = page[limit-1].life
	}
	return page, next, err
}

// oneBatch returns the limit in the negative, with which the server answers in one
// batch of at most 16 MB and keeps no cursor.
func oneBatch(limit int) int64 { return -int64(limit) }
