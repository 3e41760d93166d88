package querylang

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Date compiles a clause about a time: a date, a time to the minute, or a
// period from now, in UTC.
func Date[T any](of Clause, at func(T) time.Time, now time.Time) (Predicate[T], error) {
	want, err := parseDate(of.Values[0], now)
	if err != nil {
		return nil, Meaningless("Date value '%s' for field '%s' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "+
			"'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.", of.Values[0], of.Field)
	}
	var accept []int
	switch of.Operator {
	case "=":
		accept = []int{0}
	case "!=":
		accept = []int{-1, 1}
	case "<":
		accept = []int{-1}
	case "<=":
		accept = []int{-1, 0}
	case ">":
		accept = []int{1}
	case ">=":
		accept = []int{0, 1}
	default:
		return nil, unsupported(of)
	}
	return func(t T) bool { return slices.Contains(accept, at(t).Compare(want)) }, nil
}

// parseDate reads a date, a time to the minute, or a period from now, in UTC.
func parseDate(text string, now time.Time) (time.Time, error) {
	dashes := strings.ReplaceAll(text, "/", "-")
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04"} {
		if at, err := time.Parse(layout, dashes); err == nil {
			return at, nil
		}
	}
	period, negative := strings.CutPrefix(text, "-")
	parts := strings.Fields(period)
	if len(parts) == 0 {
		return time.Time{}, errNoDate
	}
	var sum time.Duration
	for _, part := range parts {
		d, err := parsePeriod(part)
		if err != nil {
			return time.Time{}, err
		}
		sum += d
	}
	if negative {
		sum = -sum
	}
	return now.Add(sum), nil
}

var errNoDate = errors.New("no date")

// parsePeriod reads a number and its unit, such as 4w.
func parsePeriod(text string) (time.Duration, error) {
	last := len(text) - 1
	units := map[byte]time.Duration{'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute}
	unit, ok := units[text[last]]
	n, err := strconv.ParseUint(text[:last], 10, 16)
	if !ok || err != nil {
		return 0, errNoDate
	}
	return time.Duration(n) * unit, nil
}
