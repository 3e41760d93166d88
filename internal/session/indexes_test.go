package session

import (
	"fmt"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

func TestIndexesCanBeMadeAgain(t *testing.T) {
	s := newSite(t)
	wanted := "[messages.expiry messages.life_seq sessions.expiry sessions.owner_life]"
	for range 2 {
		made, err := CreateIndexes(t.Context(), server.URI, s.config.Database)
		slices.Sort(made)
		if err != nil || fmt.Sprint(made) != wanted {
			t.Errorf("%v, %v", made, err)
		}
	}
	for _, collection := range []string{sessions, messages} {
		indexes, err := s.mongo.Collection(collection).Indexes().ListSpecifications(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		expiring := slices.ContainsFunc(indexes, func(i mongo.IndexSpecification) bool {
			return i.ExpireAfterSeconds != nil && *i.ExpireAfterSeconds == 0
		})
		if len(indexes) != 3 || !expiring {
			t.Errorf("%s: %d indexes, expiring: %t", collection, len(indexes), expiring)
		}
	}
}

func TestWithoutIndexesOnlyAppendsFail(t *testing.T) {
	s := newSite(t)
	if err := s.mongo.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.ensure("chat")
	for _, path := range []string{"", "/chat", "/chat/messages"} {
		want[nothing](s, 200, request{method: "GET", path: path})
	}
	if p := want[gateway.Problem](s, 503, s.say("m1", "hello")); p.Reason != "no_indexes" || p.Attempts != 1 {
		t.Errorf("%+v", p)
	}
	if n := s.count(messages, bson.D{}); n != 0 {
		t.Errorf("%d messages", n)
	}
	if _, err := CreateIndexes(t.Context(), server.URI, s.config.Database); err != nil {
		t.Fatal(err)
	}
	want[messageJSON](s, 201, s.say("m1", "hello"))
	s.commands.take()
	want[messageJSON](s, 201, s.say("m2", "hello"))
	if sent := names(s.commands.take()); slices.Contains(sent, "listIndexes") {
		t.Errorf("they are looked for once: %v", sent)
	}
}
