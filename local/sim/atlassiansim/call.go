package atlassiansim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Call is a request on its way through a simulator.
type Call struct {
	Request  *http.Request
	Body     []byte
	Query    url.Values
	Origin   string   // scheme and host under which the client reached the simulator
	Base     string   // Origin, and the prefix of the gateway if it came that way
	Took     []string // what each {} of the route took
	Identity Identity
	Now      time.Time
	Created  string // set by the product: key of what the call created

	fault Fault
}

// Struck reports whether a fault of the kind strikes the call.
func (c *Call) Struck(kind Kind) bool { return c.fault.Kind == kind }

// Link is what stands before the path of a link to the next page: origin,
// unless a fault leads it astray.
func (c *Call) Link(origin string) string {
	switch {
	case !c.Struck(HostileNext):
		return origin
	case c.fault.Location != "":
		return c.fault.Location
	default:
		return "https://attacker.invalid"
	}
}

// List reads a query parameter that may be repeated and comma-separated.
func (c *Call) List(name string) []string { return SplitCommas(c.Query[name]) }

// SplitCommas returns the items of comma-separated lists, without empty ones.
func SplitCommas(lists []string) []string {
	var all []string
	for _, list := range lists {
		for item := range strings.SplitSeq(list, ",") {
			all = append(all, strings.TrimSpace(item))
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// Number reads an integer from the query.
func (c *Call) Number(name string, absent int) (int, error) {
	if !c.Query.Has(name) {
		return absent, nil
	}
	n, err := strconv.Atoi(c.Query.Get(name))
	if err != nil {
		return 0, fmt.Errorf("the parameter '%s' must be a number", name)
	}
	return n, nil
}

// NeedJSON returns an error answer for a body of another type.
func (c *Call) NeedJSON() (Answer, bool) {
	if kind := c.Request.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return Problem(http.StatusUnsupportedMediaType, "Content-Type '"+kind+"' is not supported."), false
	}
	return Answer{}, true
}
