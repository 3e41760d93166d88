// Package config parses and validates a function's environment variables. An
// error names every invalid variable, on one line, so that one more deployment
// corrects them all.
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

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/retry"
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

// integer, duration and decimal read a setting. An empty variable leaves target
// unchanged. A value that cannot be parsed becomes one outside every range, so
// that the setting's own validation reports it: see outOfRange. Numbers have the
// format of the patterns in template.yaml: no sign, no exponent, no leading zero,
// and at most three digits after the decimal point.

func (r *reader) integer(name string, target *int) {
	value := r.getenv(name)
	if value == "" {
		return
	}
	n, err := strconv.Atoi(value)
	if err != nil || strconv.Itoa(n) != value {
		n = -1
	}
	*target = n
}

// duration reads a decimal number of seconds such as 60 or 0.5.
func (r *reader) duration(name string, target *time.Duration) {
	seconds := target.Seconds()
	if r.decimal(name, &seconds); math.IsNaN(seconds) {
		seconds = -1
	}
	*target = time.Duration(math.Round(min(seconds, 1e6)*1000)) * time.Millisecond
}

// perCent reads a share in per cent, such as 20.
func (r *reader) perCent(name string, target *float64) {
	value := *target * 100
	r.decimal(name, &value)
	*target = value / 100
}

func (r *reader) decimal(name string, target *float64) {
	value := r.getenv(name)
	if value == "" {
		return
	}
	d, ok := decimal(value)
	if !ok {
		d = math.NaN()
	}
	*target = d
}

// integerIn is integer for a variable that only this package knows. It reports
// whether the value is in range, and leaves target alone if not.
func (r *reader) integerIn(name string, low, high int, target *int) bool {
	n := *target
	r.integer(name, &n)
	if n < low || n > high {
		r.outOfRange(name, n, low, high)
		return false
	}
	*target = n
	return true
}

// durationIn is integerIn for a duration.
func (r *reader) durationIn(name string, low, high time.Duration, target *time.Duration) {
	d := *target
	r.duration(name, &d)
	if d < low || d > high {
		r.outOfRange(name, d, low, high)
		return
	}
	*target = d
}

// outOfRange notes a variable whose value is not between low and high. The value
// is the one in use where the variable is not set.
func (r *reader) outOfRange(name string, value, low, high any) {
	unit := ""
	if _, ok := low.(time.Duration); ok {
		unit = " seconds"
	}
	r.problem("%s %q: want %s to %s%s", name, cmp.Or(r.getenv(name), plain(value)), plain(low), plain(high), unit)
}

// invalid notes what a Validate method of pkg/breaker or pkg/retry returned, by
// the variables that the fields come from.
func (r *reader) invalid(prefix string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			r.invalid(prefix, one)
		}
		return
	}
	if e, ok := errors.AsType[*breaker.FieldError](err); ok {
		r.invalidField(prefix, e.Field, e.Value, e.Low, e.High, e.Rule)
	}
	if e, ok := errors.AsType[*retry.FieldError](err); ok {
		r.invalidField(prefix, e.Field, e.Value, e.Low, e.High, e.Rule)
	}
}

func (r *reader) invalidField(prefix, field string, value, low, high any, rule string) {
	name := prefix + variableOf(field)
	if field == "failure_rate" { // whose variable is in per cent
		r.problem("%s %q: want 0 to 90 per cent", name, r.getenv(name))
		return
	}
	if rule != "" {
		r.problem("%s %q: want %s", name, cmp.Or(r.getenv(name), plain(value)), rule)
		return
	}
	r.outOfRange(name, value, low, high)
}

// variableOf returns the variable, without prefix, that sets a field.
func variableOf(field string) string {
	switch field {
	case "max_retries":
		return "MAX_ATTEMPTS" // the owner's name
	case "probe_timeout":
		return "TRY_TIMEOUT"
	default:
		return strings.ToUpper(field)
	}
}

// plain returns a value as a variable has it: durations in seconds.
func plain(value any) string {
	if d, ok := value.(time.Duration); ok {
		return seconds(d)
	}
	return fmt.Sprint(value)
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

// seconds returns a duration as a variable has it.
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

// choice returns the variable's value, or the first of values if it is empty or
// not among them.
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

// name reads a short text, such as the name of a database.
func (r *reader) name(name, fallback string) string {
	value := cmp.Or(r.getenv(name), fallback)
	if len(value) > 63 || strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.problem("%s: want at most 63 printable ASCII characters", name)
	}
	return value
}

// origin reads the base URL of a service. Plain http would show credentials to
// the network, so it is valid only for this machine and private addresses, which
// local stacks and containers have. The product's part at the end of the path is
// removed.
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
