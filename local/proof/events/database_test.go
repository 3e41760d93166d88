//go:build linux

package events

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/coldfuse/coldfuse/internal/session"
	"github.com/coldfuse/coldfuse/internal/testserver/mongolocal"
)

// databaseFault is what is wrong between a function and MongoDB.
type databaseFault struct {
	Mode    mongolocal.Mode `json:"mode"`
	Command string          `json:"command"` // the only one that meets with it; empty: any
	Times   int             `json:"times"`   // 0: for ever
}

// database is a case's own, with the indexes that a deployment makes.
type database struct{ name, uri string }

func newDatabase(t *testing.T, fault *databaseFault) *database {
	t.Helper()
	name := "case-" + rand.Text()
	if _, err := session.CreateIndexes(t.Context(), documents.URI, name); err != nil {
		t.Fatal(err)
	}
	if fault == nil {
		return &database{name, documents.URI}
	}
	proxy, err := mongolocal.StartProxy("127.0.0.1:0", documents.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	if err := proxy.Set(mongolocal.Fault{Mode: fault.Mode, Command: fault.Command, Times: fault.Times}); err != nil {
		t.Fatal(err)
	}
	return &database{name, proxy.URI()}
}

// expire lets everything end that is stored. Nothing sweeps it: what is found
// of it is found by mistake.
func (w *world) expire(t *testing.T) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(documents.URI))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(context.Background())
	past := bson.D{{Key: "$set", Value: bson.D{{Key: "expire_at", Value: time.Now().Add(-time.Second)}}}}
	for _, collection := range []string{"sessions", "messages"} {
		if _, err := client.Database(w.database.name).Collection(collection).UpdateMany(t.Context(), bson.D{}, past); err != nil {
			t.Fatal(err)
		}
	}
}
