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

// Each of the following leaves its target alone where the variable is empty or
// wrong, and tells whether it is right. Numbers are written as the patterns of
// template.yaml have them: no sign, no exponent, no needless zero in front, and
// in decimals at most three digits behind the point.

func (r *reader) count(name string, low, high int, target *int) bool {
	value := r.getenv(name)
	if value == "" {
		return true
	}
	n, err := strconv.Atoi(value)
	if err != nil || strconv.Itoa(n) != value || n < low || n > high {
		r.problem("%s %q: want %d to %d", name, value, low, high)
		return false
	}
	*target = n
	return true
}

// seconds reads a decimal such as 60 or 0.5.
func (r *reader) seconds(name string, low, high time.Duration, target *time.Duration) bool {
	value := r.getenv(name)
	if value == "" {
		return true
	}
	s, ok := decimal(value)
	d := time.Duration(math.Round(min(s, 1e6)*1000)) * time.Millisecond
	if !ok || d < low || d > high {
		r.problem("%s %q: want %s to %s seconds", name, value, seconds(low), seconds(high))
		return false
	}
	*target = d
	return true
}

func (r *reader) decimal(name string, low, high float64, target *float64) bool {
	value := r.getenv(name)
	if value == "" {
		return true
	}
	d, ok := decimal(value)
	if !ok || d < low || d > high {
		r.problem("%s %q: want %g to %g", name, value, low, high)
		return false
	}
	*target = d
	return true
}

func decimal(value string) (d float64, ok bool) {
	whole, fraction, pointed := strings.Cut(value, ".")
	if !digits(whole) || len(whole) > 1 && whole[0] == '0' || pointed && (!digits(fraction) || len(fraction) > 3) {
		return 0, false
	}
	d, err := strconv.ParseFloat(value, 64)
	return d, err == nil
}

func digits(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool { return c < '0' || c > '9' })
}

// seconds is a duration as a variable has it.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

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
