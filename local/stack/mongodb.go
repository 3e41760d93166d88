package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

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

// mongoFaults switches the faults of MongoDB.
func mongoFaults(proxy *mongolocal.Proxy) http.Handler {
	set := func(w http.ResponseWriter, f mongolocal.Fault) {
		if err := proxy.Set(f); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /mongo/faults", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Mode    mongolocal.Mode `json:"mode"`
			DelayMS int64           `json:"delay_ms"`
			Command string          `json:"command"`
			Times   int             `json:"times"`
		}
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		set(w, mongolocal.Fault{
			Mode: body.Mode, Delay: time.Duration(body.DelayMS) * time.Millisecond, Command: body.Command, Times: body.Times,
		})
	})
	mux.HandleFunc("DELETE /mongo/faults", func(w http.ResponseWriter, _ *http.Request) { set(w, mongolocal.Fault{}) })
	mux.HandleFunc("GET /mongo/counts", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, proxy.Counts()) })
	return mux
}
