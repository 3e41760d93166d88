package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

type search struct {
	JQL    string         `json:"jql"`
	Limit  int            `json:"limit"`
	Fields map[string]any `json:"fields"`
	Nested struct {
		Count int `json:"count"`
	} `json:"nested"`
}

func decodeHandler(w http.ResponseWriter, r *http.Request) {
	var v search
	if DecodeJSON(w, r, &v) {
		WriteJSON(w, http.StatusOK, v.JQL)
	}
}

func TestDecodeJSON(t *testing.T) {
	tests := map[string]struct {
		body   string
		status int
		field  string
		detail string
	}{
		"an object passes":                     {`{"jql":"a","limit":1}`, 200, "", ""},
		"white space around it does not count": {" \n{\"jql\":\"a\"}\n", 200, "", ""},
		"no body":                              {"", 400, "", "a JSON object is needed as body"},
		"white space only":                     {" \n", 400, "", "a JSON object is needed as body"},
		"null":                                 {"null", 400, "", "the body is not a JSON object"},
		"an array":                             {"[]", 400, "", "the body is not a JSON object"},
		"a string":                             {`"x"`, 400, "", "the body is not a JSON object"},
		"no JSON":                              {`{"jql":}`, 400, "", "the body is not JSON: error at byte 8"},
		"half an object":                       {`{"jql":"a`, 400, "", "the body is not JSON: it ends too early"},
		"two objects":                          {`{}{}`, 400, "", "something follows the JSON object"},
		"an object and rubbish":                {`{}x`, 400, "", "something follows the JSON object"},
		"bytes that are not UTF-8":             {"{\"jql\":\"\xff\"}", 400, "", "the body is not UTF-8"},
		"an unknown field":                     {`{"jql":"a","q\"x":1}`, 400, `q"x`, "the field is unknown"},
		"a long unknown name is cut":           {`{"` + strings.Repeat("ä", 200) + `":1}`, 400, strings.Repeat("ä", 100) + "…", "the field is unknown"},
		"a wrong type":                         {`{"jql":1}`, 400, "jql", "the field has the wrong type: number"},
		"a wrong type below":                   {`{"nested":{"count":"1"}}`, 400, "nested.count", "the field has the wrong type: string"},
		"a fraction where a count is wanted":   {`{"limit":1.5}`, 400, "limit", "want an integer"},
		"a power where a count is wanted":      {`{"limit":1e99}`, 400, "limit", "want an integer"},
		"a fraction below":                     {`{"nested":{"count":-0.5}}`, 400, "nested.count", "want an integer"},
		"an integer too large":                 {`{"limit":99999999999999999999}`, 400, "limit", "the number is out of range"},
		"a field given twice":                  {`{"jql":"a","jql":"b"}`, 400, "jql", "the field is given twice"},
		"a field in another case is unknown":   {`{"JQL":"b"}`, 400, "JQL", "the field is unknown"},
		"nor is one below":                     {`{"nested":{"Count":1}}`, 400, "Count", "the field is unknown"},
		"a field given twice below":            {`{"fields":{"x":[{"a":1,"b":1,"a":2}]}}`, 400, "a", "the field is given twice"},
		"case matters below":                   {`{"fields":{"a":1,"A":2}}`, 200, "", ""},
		"one name in two objects":              {`{"fields":{"a":{"a":1},"b":[{"a":1},{"a":2}]}}`, 200, "", ""},
		"1 MB passes":                          {`{"jql":"` + strings.Repeat("x", maxBody-10) + `"}`, 200, "", ""},
		"a byte more is too much":              {`{"jql":"` + strings.Repeat("x", maxBody-9) + `"}`, 413, "", "the body is larger than 1048576 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out := call(t, http.HandlerFunc(decodeHandler), request(http.MethodPost, "/", test.body))
			if out.StatusCode != test.status {
				t.Fatalf("status %d, want %d: %s", out.StatusCode, test.status, Clip(out.Body))
			}
			if test.status == 200 {
				return
			}
			if p := problemOf(t, out); p.Field != test.field || p.Detail != test.detail {
				t.Errorf("got field %q, detail %q, want %q, %q", p.Field, p.Detail, test.field, test.detail)
			}
		})
	}
}

func TestWriteJSONDoesNotEscapeHTML(t *testing.T) {
	w := httptest.NewRecorder()
	WriteJSON(w, http.StatusCreated, map[string]string{"html": "<b>&"})
	if w.Code != 201 || w.Body.String() != "{\"html\":\"<b>&\"}\n" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	want := "application/json no-store nosniff"
	h := w.Header()
	if got := fmt.Sprint(h.Get("Content-Type"), " ", h.Get("Cache-Control"), " ", h.Get("X-Content-Type-Options")); got != want {
		t.Errorf("got headers %q, want %q", got, want)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"jql":"a","fields":{"x":[1,{"y":null}]}}`, `{"a":1}`, `[`, `{"jql":1}`, "\xff", `{} {}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		out := call(t, http.HandlerFunc(decodeHandler), request(http.MethodPost, "/", body))
		switch out.StatusCode {
		case 200:
		case 400, 413:
			problemOf(t, out)
		default:
			t.Errorf("status %d: %s", out.StatusCode, out.Body)
		}
	})
}
