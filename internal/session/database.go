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
)

const (
	// serverSelection is how long the driver looks for a server that takes
	// writes.
	serverSelection = 3 * time.Second
	connectTimeout  = 2 * time.Second
	// maxIdle is Atlas's advice for Lambda: a connection may die unnoticed while
	// the environment is frozen.
	maxIdle = time.Minute
	maxPool = 5
	// rereadEvery bounds how often the secret is read because of a refusal.
	rereadEvery = time.Minute
)

// database is the connection of this environment, made when it is first needed.
// Nothing that failed is kept.
type database struct {
	name   string
	uri    func(context.Context) (string, error)
	adjust func(*options.ClientOptions)
	now    func() time.Time

	lock   chan struct{} // held by whoever has a value in it: its wait has an end
	client *mongo.Client
	secret string // the URI of client
	readAt time.Time
}

// open gives the database. It takes no time of the network's, but where the URI
// has to be looked up in DNS (mongodb+srv), or read.
func (d *database) open(ctx context.Context) (*mongo.Database, error) {
	if err := d.acquire(ctx); err != nil {
		return nil, err
	}
	defer d.release()
	if d.client == nil {
		if err := d.read(ctx); err != nil {
			return nil, err
		}
	}
	return d.client.Database(d.name), nil
}

// renew reads the secret again after the server refused the credentials, at most
// once a minute, and tells whether there are others now.
func (d *database) renew(ctx context.Context) (renewed bool, err error) {
	if err := d.acquire(ctx); err != nil {
		return false, err
	}
	defer d.release()
	if d.now().Sub(d.readAt) < rereadEvery {
		return false, nil
	}
	before, old := d.secret, d.client
	if err := d.read(ctx); err != nil || d.secret == before {
		return false, err
	}
	if old != nil {
		go closeClient(old) // it waits for what others have in flight
	}
	return true, nil
}

func closeClient(client *mongo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), serverSelection)
	defer cancel()
	_ = client.Disconnect(ctx)
}

func (d *database) acquire(ctx context.Context) error {
	select {
	case d.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *database) release() { <-d.lock }

// read reads the secret and makes a client of it, unless it is that of the
// client there is.
func (d *database) read(ctx context.Context) error {
	d.readAt = d.now()
	uri, err := d.uri(ctx)
	switch {
	case err != nil:
		return &Error{Reason: reasonSecret, passing: true, secret: err}
	case uri == d.secret && d.client != nil:
		return nil
	}
	client, err := connect(uri, d.adjust)
	if err != nil {
		return err
	}
	d.client, d.secret = client, uri
	return nil
}

var errNoURI = errors.New("its uri is no connection string")

// connect makes a client; its errors hold nothing of the URI.
func connect(uri string, adjust func(*options.ClientOptions)) (*mongo.Client, error) {
	o := options.Client().ApplyURI(uri) // looks mongodb+srv up in DNS
	// The retries are the guard's: with a deadline in the context, the driver's
	// own would go on until it.
	o.SetRetryWrites(false).SetRetryReads(false).SetMaxAdaptiveRetries(0)
	o.SetServerSelectionTimeout(serverSelection).SetConnectTimeout(connectTimeout)
	o.SetMaxPoolSize(maxPool).SetMinPoolSize(0).SetMaxConnIdleTime(maxIdle)
	// What is written is read by the next request, wherever that runs.
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
