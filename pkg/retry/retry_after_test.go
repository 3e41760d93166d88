package retry

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 8, 12, 0, 0, 0, time.UTC)

func TestParseRetryAfter(t *testing.T) {
	tests := map[string]struct {
		header string
		want   time.Duration
		ok     bool
	}{
		"seconds":                             {"120", 2 * time.Minute, true},
		"white space around is ignored":       {" 7\t", 7 * time.Second, true},
		"zero is an answer":                   {"0", 0, true},
		"leading zeros are digits":            {"007", 7 * time.Second, true},
		"an IMF date":                         {"Thu, 08 Jan 2026 12:00:30 GMT", 30 * time.Second, true},
		"an RFC 850 date":                     {"Thursday, 08-Jan-26 12:01:00 GMT", time.Minute, true},
		"an asctime date":                     {"Thu Jan  8 12:00:05 2026", 5 * time.Second, true},
		"a date in the past is now":           {"Thu, 08 Jan 2026 11:00:00 GMT", 0, true},
		"a date beyond any duration":          {"Fri, 31 Dec 9999 23:59:59 GMT", math.MaxInt64, true},
		"seconds beyond any duration":         {"9223372037", math.MaxInt64, true},
		"the most seconds there are":          {"9223372036", 9223372036 * time.Second, true},
		"seconds beyond any integer":          {strings.Repeat("9", 400), math.MaxInt64, true},
		"an empty value is ignored":           {"", 0, false},
		"a negative value is ignored":         {"-1", 0, false},
		"a signed value is ignored":           {"+1", 0, false},
		"a fraction is ignored":               {"1.5", 0, false},
		"a unit is ignored":                   {"5s", 0, false},
		"another date format is ignored":      {"2026-01-08T12:00:30Z", 0, false},
		"words are ignored":                   {"soon", 0, false},
		"digits of other scripts are ignored": {"٣", 0, false},
	}
	for rule, tt := range tests {
		t.Run(rule, func(t *testing.T) {
			got, ok := ParseRetryAfter(tt.header, noon)
			if got != tt.want || ok != tt.ok {
				t.Errorf("ParseRetryAfter(%q) = %s, %t, want %s, %t", tt.header, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, header := range []string{"0", "120", "-1", "1e9", "99999999999999999999", noon.Format(http.TimeFormat), "Thu Jan  8 12:00:05 2026", ""} {
		f.Add(header, int64(0))
	}
	f.Add("Mon, 01 Jan 0001 00:00:00 GMT", int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, header string, now int64) {
		d, ok := ParseRetryAfter(header, time.Unix(now, 0))
		if d < 0 {
			t.Errorf("ParseRetryAfter(%q) = %d: negative", header, d)
		}
		if !ok && d != 0 {
			t.Errorf("ParseRetryAfter(%q) = %d without being valid", header, d)
		}
		if again, same := ParseRetryAfter("\t"+header+" ", time.Unix(now, 0)); again != d || same != ok {
			t.Errorf("ParseRetryAfter(%q) depends on the white space around it", header)
		}
	})
}
