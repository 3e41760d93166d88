package atlassiansim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Operation names what a request asks for.
type Operation string

// Operations that every simulator has.
const (
	GetToken      Operation = "get_token"
	GetTenantInfo Operation = "get_tenant_info"
	Other         Operation = "other" // no route, or not this method
)

// Route is one call of an API; a segment {} of its path takes anything.
type Route struct {
	Method    string
	Path      string
	Operation Operation
	Serve     func(*Call) Answer
}

// Get is a Route of that method.
func Get(path string, operation Operation, serve func(*Call) Answer) Route {
	return Route{http.MethodGet, path, operation, serve}
}

// Post is a Route of that method.
func Post(path string, operation Operation, serve func(*Call) Answer) Route {
	return Route{http.MethodPost, path, operation, serve}
}

// operations are those that faults may name.
func (e *Edge) operations() []Operation {
	all := []Operation{Other}
	for _, r := range slices.Concat(e.own, e.product.Routes) {
		if !slices.Contains(all, r.Operation) {
			all = append(all, r.Operation)
		}
	}
	return all
}

// find returns the route of a request and what its {} took. Without one, Serve
// answers 404, or 405 where only the method is wrong.
func (e *Edge) find(method, path string, gateway bool) (Route, []string) {
	routes := e.product.Routes
	if !gateway {
		routes = slices.Concat(e.own, routes)
	}
	other := Route{Operation: Other, Serve: noRoute}
	for _, candidate := range routes {
		took, ok := match(candidate.Path, path)
		switch {
		case !ok:
		case candidate.Method == method:
			return candidate, took
		default:
			other.Serve = noMethod
		}
	}
	return other, nil
}

// match compares an escaped path with a route's, so that an escaped slash stays
// inside its segment.
func match(pattern, escaped string) (took []string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(escaped, "/")
	if len(want) != len(have) {
		return nil, false
	}
	for i := range want {
		segment, err := url.PathUnescape(have[i])
		switch {
		case err != nil:
			return nil, false
		case want[i] == "{}" && segment != "":
			took = append(took, segment)
		case want[i] != segment:
			return nil, false
		}
	}
	return took, true
}

// splitGateway takes /ex/{product}/{cloudId} off an escaped path.
func (e *Edge) splitGateway(path string) (cloudID, rest string, gateway bool) {
	rest, gateway = strings.CutPrefix(path, "/ex/"+e.product.Name+"/")
	if !gateway {
		return "", path, false
	}
	cloudID, rest, _ = strings.Cut(rest, "/")
	return cloudID, "/" + rest, true
}

func noRoute(c *Call) Answer {
	return Problem(http.StatusNotFound, "No endpoint "+c.Request.Method+" "+c.Request.URL.Path+".")
}

func noMethod(c *Call) Answer {
	return Problem(http.StatusMethodNotAllowed, "Method "+c.Request.Method+" is not supported.")
}

func noCloud(*Call) Answer {
	return gatewayError(http.StatusNotFound, "No site with this cloud id.")
}
