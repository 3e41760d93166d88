package gateway

import (
	"net/http"
	"path"
	"strings"
)

// Routes serves each http.ServeMux pattern, such as "GET /api/v1/things/{id}",
// by its handler. What ServeMux would answer in plain text is a problem here:
// 404 where no pattern matches, 405 with Allow where only the method does not.
// Two things differ from ServeMux, so that function and API Gateway agree on
// what a route is: GET does not imply HEAD, and a path such as //x or /a/../x
// is not found rather than redirected.
func Routes(routes map[string]http.HandlerFunc) http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.Handle(pattern, handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if escaped := r.URL.EscapedPath(); path.Clean(escaped) != escaped {
			WriteProblem(w, r, notFound())
			return
		}
		unmatched, pattern := mux.Handler(r)
		implied := r.Method == http.MethodHead && strings.HasPrefix(pattern, http.MethodGet+" ")
		switch {
		case implied:
			methodNotAllowed(w, r, http.MethodGet)
		case pattern == "":
			answerUnmatched(w, r, unmatched)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// answerUnmatched answers a request for which ServeMux has only an error
// handler, by what that handler says.
func answerUnmatched(w http.ResponseWriter, r *http.Request, unmatched http.Handler) {
	said := &response{header: http.Header{}}
	unmatched.ServeHTTP(said, r)
	if said.status != http.StatusMethodNotAllowed {
		WriteProblem(w, r, notFound())
		return
	}
	methodNotAllowed(w, r, strings.Replace(said.header.Get("Allow"), "GET, HEAD", "GET", 1))
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	WriteProblem(w, r, Problem{
		Status: http.StatusMethodNotAllowed,
		Detail: "allowed here: " + allow,
	})
}

func notFound() Problem {
	return Problem{Status: http.StatusNotFound, Detail: "there is nothing at this path"}
}
