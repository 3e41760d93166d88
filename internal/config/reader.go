// Package config turns a function's environment variables into typed, validated
// configuration. Everything that is wrong is reported at once, on one line, so
// that a deployment is mended in one go.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reader reads variables and notes what is wrong with them.
type reader struct {
	getenv   func(string) string
	problems []string
}

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// err is all problems on one line.
func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return errors.New("configuration: " + strings.ReplaceAll(strings.Join(r.problems, "; "), "\n", "; "))
}

// required reads a variable that must be set.
func (r *reader) required(name string) string {
	value := r.getenv(name)
	if value == "" {
		r.problem("%s is missing", name)
	}
	return value
}

// Each of the following leaves its target alone where the variable is empty.

func (r *reader) count(name string, target *int) {
	if value := r.getenv(name); value != "" {
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			r.problem("%s %q: want a whole number", name, value)
			return
		}
		*target = n
	}
}

// seconds reads a decimal such as 60 or 0.5.
func (r *reader) seconds(name string, target *time.Duration) {
	if value := r.getenv(name); value != "" {
		s, err := strconv.ParseFloat(value, 64)
		if err != nil || !(s >= 0 && s <= 86_400) {
			r.problem("%s %q: want seconds, 0 to 86400", name, value)
			return
		}
		*target = time.Duration(math.Round(s * float64(time.Second)))
	}
}

func (r *reader) decimal(name string, target *float64) {
	if value := r.getenv(name); value != "" {
		d, err := strconv.ParseFloat(value, 64)
		if err != nil {
			r.problem("%s %q: want a number", name, value)
			return
		}
		*target = d
	}
}

func (r *reader) flag(name string, target *bool) {
	switch value := r.getenv(name); value {
	case "":
	case "true", "false":
		*target = value == "true"
	default:
		r.problem("%s %q: want true or false", name, value)
	}
}

// choice reads one of the values, the first of which is the default, and stands
// in for any other.
func (r *reader) choice(name string, values ...string) string {
	value := r.getenv(name)
	if slices.Contains(values, value) {
		return value
	}
	if value != "" {
		r.problem("%s %q: want %s", name, value, strings.Join(values, " or "))
	}
	return values[0]
}

// name reads a short text, such as a database's name.
func (r *reader) name(name, fallback string) string {
	value := cmp.Or(r.getenv(name), fallback)
	if len(value) > 63 || strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.problem("%s: want at most 63 printable ASCII characters", name)
	}
	return value
}

// origin reads the base URL of a service. Plain http would show credentials to
// the network: it is for this machine and private addresses, as local stacks
// and containers have them. A path that ends with the product's loses that.
func (r *reader) origin(name, value, product string) *url.URL {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		r.problem("%s: want an https URL", name)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		r.problem("%s: want a URL without user, query and fragment", name)
	case u.Scheme == "http" && !private(u.Hostname()):
		r.problem("%s: want https, but for this machine and private addresses", name)
	default:
		u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), product)
		return u
	}
	return nil
}

func private(host string) bool {
	if host == "localhost" || host == "host.docker.internal" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && (address.IsLoopback() || address.IsPrivate())
}
