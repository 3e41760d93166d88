package gateway

import (
	"net/http"
	"path"
	"strings"
)

// Routes returns a handler that serves each http.ServeMux pattern, such as
// "GET /api/v1/things/{id}", with its handler. Where ServeMux answers in plain
// text it answers with a problem: 404 if no pattern matches, 405 with Allow if
// only the method does not match. Two rules differ from ServeMux, to agree with
// API Gateway's routes: GET does not imply HEAD, and a path such as //x or
// /a/../x is a 404 instead of a redirect.
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

// answerUnmatched answers a request that no pattern matches. unmatched is
// ServeMux's error handler for it.
func answerUnmatched(w http.ResponseWriter, r *http.Request, unmatched http.Handler) {
	plain := &response{header: http.Header{}}
	unmatched.ServeHTTP(plain, r)
	if plain.status != http.StatusMethodNotAllowed {
		WriteProblem(w, r, notFound())
		return
	}
	methodNotAllowed(w, r, strings.Replace(plain.header.Get("Allow"), "GET, HEAD", "GET", 1))
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
