package session

import (
	"context"
	"errors"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/coldfuse/coldfuse/internal/rotating"
)

const (
	// serverSelection is how long the driver looks for a server that accepts
	// writes.
	serverSelection = 3 * time.Second
	connectTimeout  = 2 * time.Second
	// maxIdle is what Atlas recommends for Lambda: a connection may die unnoticed
	// while the environment is frozen.
	maxIdle = time.Minute
	maxPool = 5
	// rereadEvery is the least time between two reads of a secret whose
	// credentials are rejected.
	rereadEvery = time.Minute
)

// database is this environment's connection to MongoDB, opened on first use. A failed
// attempt is not kept.
type database struct {
	name   string
	uri    func(context.Context) (string, error)
	adjust func(*options.ClientOptions)
	client *rotating.Value[*mongo.Client]
	secret string // the URI of client; only read changes it
}

func newDatabase(c Config) *database {
	d := &database{name: c.Database, uri: c.URI, adjust: c.Options}
	d.client = rotating.New(rotating.Config[*mongo.Client]{Read: d.read, Every: rereadEvery, Now: c.Now})
	return d
}

// open returns the database. It does not use the network, unless it has to read
// the URI or look it up in DNS (mongodb+srv).
func (d *database) open(ctx context.Context) (*mongo.Database, error) {
	client, err := d.client.Get(ctx, func(c *mongo.Client) bool { return c != nil })
	if err != nil {
		return nil, err
	}
	return client.Database(d.name), nil
}

// renew reads the secret again after the server rejected the credentials of db,
// at most once a minute, and reports whether they changed.
func (d *database) renew(ctx context.Context, db *mongo.Database) (renewed bool, err error) {
	_, renewed, err = d.client.Renew(ctx, db.Client())
	if renewed {
		go closeClient(db.Client()) // it waits for the operations in flight
	}
	return renewed, err
}

// read reads the secret and returns a client for it: the current one if the URI is
// the same.
func (d *database) read(ctx context.Context) (*mongo.Client, error) {
	uri, err := d.uri(ctx)
	old := d.client.Current()
	switch {
	case err != nil:
		return nil, &Error{Reason: reasonSecret, passing: true, secret: err}
	case uri == d.secret && old != nil:
		return old, nil
	}
	client, err := connect(uri, d.adjust)
	if err != nil {
		return nil, err
	}
	d.secret = uri
	return client, nil
}

func closeClient(client *mongo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), serverSelection)
	defer cancel()
	_ = client.Disconnect(ctx)
}

var errNoURI = errors.New("its uri is not a connection string")

// connect returns a client. Its errors show nothing of the URI.
func connect(uri string, adjust func(*options.ClientOptions)) (*mongo.Client, error) {
	o := options.Client().ApplyURI(uri) // looks mongodb+srv up in DNS
	// The guard retries. The driver's own retries would go on until the context's
	// deadline.
	o.SetRetryWrites(false).SetRetryReads(false).SetMaxAdaptiveRetries(0)
	o.SetServerSelectionTimeout(serverSelection).SetConnectTimeout(connectTimeout)
	o.SetMaxPoolSize(maxPool).SetMinPoolSize(0).SetMaxConnIdleTime(maxIdle)
	// A write must be visible to the next request, in whichever environment.
	o.SetWriteConcern(writeconcern.Majority()).SetReadPreference(readpref.Primary())
	o.SetAppName("coldfuse-sessions")
	if adjust != nil {
		adjust(o)
	}
	client, err := mongo.Connect(o)
	if err != nil {
		dns := &net.DNSError{}
		if errors.As(err, &dns) {
			return nil, &Error{Reason: reasonConnection, passing: true}
		}
		return nil, &Error{Reason: reasonConfiguration, secret: errNoURI}
	}
	return client, nil
}
