package jirasim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// call is a request on its way through the simulator.
type call struct {
	request  *http.Request
	body     []byte
	query    url.Values
	base     string // of links, without a slash at its end
	key      string // what the {} of the route took
	identity Identity
	created  string
}

// base is the URL under which the client reached the API.
func base(r *http.Request, cloudID string) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	if cloudID != "" {
		return scheme + r.Host + "/ex/jira/" + cloudID
	}
	return scheme + r.Host
}

// list reads a query parameter that may be repeated and comma-separated.
func list(query url.Values, name string) []string {
	return splitCommas(query[name])
}

func splitCommas(items []string) []string {
	var all []string
	for _, item := range items {
		all = append(all, strings.Split(item, ",")...)
	}
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// number reads an integer from the query.
func number(c *call, name string, absent int) (int, error) {
	if !c.query.Has(name) {
		return absent, nil
	}
	n, err := strconv.Atoi(c.query.Get(name))
	if err != nil {
		return 0, fmt.Errorf("the parameter '%s' must be a number", name)
	}
	return n, nil
}

// needJSON refuses a body of another type.
func needJSON(c *call) (answer, bool) {
	if kind := c.request.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return problem(http.StatusUnsupportedMediaType, "Content-Type '"+kind+"' is not supported."), false
	}
	return answer{}, true
}
