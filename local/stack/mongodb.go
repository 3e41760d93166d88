package stack

import (
	"context"
	"fmt"
	"net"

	"github.com/coldfuse/coldfuse/internal/session"
	"github.com/coldfuse/coldfuse/internal/testserver/mongolocal"
)

// startMongoDB starts a database with the indexes of the sessions, and the
// proxy through which the functions reach it. One that MONGODB_URI names gets
// the indexes too, but no proxy.
func (s *Stack) startMongoDB(ctx context.Context) error {
	database := s.database()
	if database == "" {
		return nil
	}
	s.progress("starting MongoDB …")
	server, err := mongolocal.Start(ctx, s.config.Progress)
	if err != nil {
		return err
	}
	s.atClose(server.Close)
	uri := server.URI
	if server.Address != "" {
		if s.MongoDB, err = mongolocal.StartProxy(net.JoinHostPort(s.bind, "0"), server.Address); err != nil {
			return err
		}
		s.atClose(s.MongoDB.Close)
		uri = s.MongoDB.URI()
	}
	if err := createIndexes(ctx, server.URI, database); err != nil {
		return fmt.Errorf("indexes of the sessions: %w", err)
	}
	s.progress("MongoDB answers")
	return s.putSecret(mongodbSecret, "", map[string]string{"uri": uri})
}

// createIndexes tries it a few times: the functions are compiled meanwhile, and
// the driver is not as patient as that may take.
func createIndexes(ctx context.Context, uri, database string) (err error) {
	for range 3 {
		if _, err = session.CreateIndexes(ctx, uri, database); err == nil {
			return nil
		}
	}
	return err
}

// database is the one that the template names, empty where no function uses
// any.
func (s *Stack) database() string {
	for _, f := range s.declared.Functions {
		if name := f.Environment["MONGODB_DATABASE"]; name != "" {
			return name
		}
	}
	return ""
}
