package stack

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/coldfuse/coldfuse/local/stack/identity"
	"github.com/coldfuse/coldfuse/local/stack/lambda"
)

const adminHelp = `GET    /environments               the execution environments, by function
POST   /environments/kill          kill -9 of all of them; ?id=… (repeatable) of some
GET    /logs                       what the functions wrote; ?contains=… (repeatable) filters
GET    /store/faults               the store's fault
PUT    /store/faults               {"mode":"refuse|hang|delay|delay_connect|drop_reply|reset","delay_ms":250}
DELETE /store/faults               heals the store
GET    /store/counts               requests to the store, by operation
PUT    /mongo/faults               {"mode":"refuse|hang|delay|cut_before|cut_after","delay_ms":250,"command":"insert","times":1}
DELETE /mongo/faults               heals MongoDB
GET    /mongo/counts               commands to MongoDB, by name
GET    /sam-env                    what sam local's --env-vars needs to use the stand-ins of this stack
GET    /token/alice                a token for AuthMode=jwt, valid for an hour
GET    /access-key/alice           an access key for AuthMode=iam, as ID:SECRET
`

// admin is the address from which people disturb the stack.
func (s *Stack) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, adminHelp) })
	mux.HandleFunc("GET /environments", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Environments()) })
	mux.HandleFunc("POST /environments/kill", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, map[string]int{"killed": s.Kill(r.URL.Query()["id"]...)})
	})
	mux.HandleFunc("GET /logs", func(w http.ResponseWriter, r *http.Request) {
		for _, line := range s.Log.Lines(r.URL.Query()["contains"]...) {
			fmt.Fprintf(w, "[%s] %s\n", line.Environment, line.Text)
		}
	})
	mux.HandleFunc("GET /sam-env", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.samEnvironment()) })
	credentials := identity.Admin(s.Issuer, s.AccessKeys)
	for _, path := range []string{"/token/", "/access-key/", "/.well-known/"} {
		mux.Handle(path, credentials)
	}
	if s.MongoDB != nil {
		mux.Handle("/mongo/", http.StripPrefix("/mongo", s.MongoDB.Control()))
	}
	mux.Handle("/store/", http.StripPrefix("/store", s.Store.Control()))
	return mux
}

// Environments lists the execution environments of all functions.
func (s *Stack) Environments() []lambda.Environment {
	all := []lambda.Environment{}
	for _, name := range slices.Sorted(maps.Keys(s.Functions)) {
		all = append(all, s.Functions[name].Environments()...)
	}
	return all
}

// samEnvironment is what each function gets, by logical id. The endpoints lead
// to the host Bind.
func (s *Stack) samEnvironment() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, f := range s.declared.Functions {
		all[f.ID] = s.environment(f)
	}
	return all
}

// Kill ends environments as kill -9 would: the named ones, or all. It
// returns their number.
func (s *Stack) Kill(ids ...string) int {
	killed := 0
	for _, function := range s.Functions {
		killed += function.Kill(ids...)
	}
	return killed
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.Encode(v)
}
