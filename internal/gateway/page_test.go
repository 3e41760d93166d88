package gateway

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func FuzzPageToken(f *testing.F) {
	f.Add("project = A", "n1", "e30")
	f.Add("", "\x80", "")
	f.Fuzz(func(t *testing.T, query, next, garbage string) {
		if got, ok := DecodeToken(query, EncodeToken(query, next)); !ok || got != next {
			t.Errorf("%q came back as %q, %v", next, got, ok)
		}
		if got, ok := DecodeToken(query+"x", EncodeToken(query, next)); ok && next != "" {
			t.Errorf("another query's token gave %q", got)
		}
		if got, ok := DecodeToken(query, garbage); ok && garbage != "" && got == "" {
			t.Errorf("%q was taken for a first page", garbage)
		}
	})
}

func TestAnEmptyPageHasItems(t *testing.T) {
	got, err := json.Marshal(PageOf[int](nil, ""))
	if err != nil || string(got) != `{"items":[]}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestLimit(t *testing.T) {
	for rule, c := range map[string]struct {
		query  string
		want   int
		wantOK bool
	}{
		"none is the fallback":      {"", 25, true},
		"the most is allowed":       {"limit=100", 100, true},
		"one more is not":           {"limit=101", 0, false},
		"nothing is no page":        {"limit=0", 0, false},
		"a negative one":            {"limit=-1", 0, false},
		"no number":                 {"limit=ten", 0, false},
		"an empty one is no number": {"limit=", 0, false},
		"a number beyond all":       {"limit=99999999999999999999", 0, false},
	} {
		t.Run(rule, func(t *testing.T) {
			query, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			got, ok := Limit(w, httptest.NewRequest("GET", "/", nil), query, 25, 100)
			if got != c.want || ok != c.wantOK {
				t.Errorf("got %d, %v", got, ok)
			}
			if named := strings.Contains(w.Body.String(), `"field":"limit"`); named == ok {
				t.Errorf("answer: %s", w.Body)
			}
		})
	}
}
