package function

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

// httpOnly is a function as Main starts it; it tells the path and the body.
func httpOnly() gateway.Handler {
	return gateway.Adapt(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d %.100s", r.URL, len(body), body)
	}), func(context.Context, any, []byte) {})
}

func httpEvent(body string) string {
	return fmt.Sprintf(`{"version":"2.0","rawPath":"/x","rawQueryString":"coldfuse=gauge","headers":{"coldfuse":"gauge"},`+
		`"requestContext":{"http":{"method":"POST","path":"/x"}},"body":%q}`, body)
}

func TestTheSchedulesEventIsGauged(t *testing.T) {
	for _, fails := range []error{nil, errors.New("store away")} {
		gauged := 0
		handler := lambda.NewHandler(dispatch(httpOnly(), func(context.Context) error { gauged++; return fails }))
		out, err := handler.Invoke(t.Context(), []byte(`{"coldfuse":"gauge"}`))
		if gauged != 1 || err != fails {
			t.Errorf("gauged %d times, error %v, want %v", gauged, err, fails)
		}
		if fails == nil && string(out) != "null" {
			t.Errorf("answered %s", out)
		}
	}
}

// Every other event is answered as it is without a gauge.
func TestEveryOtherEventGoesToTheHandler(t *testing.T) {
	rejected := func(context.Context) error { t.Error("gauged"); return nil }
	alone, both := lambda.NewHandler(httpOnly()), lambda.NewHandler(dispatch(httpOnly(), rejected))
	for rule, c := range map[string]struct{ event, want string }{
		"an HTTP event":                    {httpEvent(`a`), "/x?coldfuse=gauge 1 a"},
		"a body that looks like the gauge": {httpEvent(`{"coldfuse":"gauge"}`), `{\"coldfuse\":\"gauge\"}`},
		"a large body":                     {httpEvent(strings.Repeat("x", 5<<20)), "5242880"},
		"an empty event":                   {`{}`, "malformed-event"},
		"another word":                     {`{"coldfuse":"gauges"}`, "malformed-event"},
		"another type":                     {`{"coldfuse":{"gauge":true}}`, "malformed-event"},
		"another schedule's":               {`{"version":"0","source":"aws.events","detail-type":"Scheduled Event"}`, "malformed-event"},
		"a list":                           {`["gauge"]`, ""},
		"text":                             {`"gauge"`, ""},
		"no JSON":                          {`{"coldfuse":"gauge"`, ""},
		"nothing":                          {``, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			want, wantErr := alone.Invoke(t.Context(), []byte(c.event))
			got, err := both.Invoke(t.Context(), []byte(c.event))
			if string(got) != string(want) || (err == nil) != (wantErr == nil) {
				t.Errorf("got %.300s, %v, want %.300s, %v", got, err, want, wantErr)
			}
			if (err != nil) != (c.want == "") || !strings.Contains(string(got), c.want) {
				t.Errorf("got %.300s, %v, want %q", got, err, c.want)
			}
		})
	}
}

// What dispatch adds to an HTTP event of 1 KB and one of 1 MB.
func BenchmarkEvent(b *testing.B) {
	for kind, start := range map[string]any{
		"http":  httpOnly(),
		"gauge": dispatch(httpOnly(), func(context.Context) error { return nil }),
	} {
		for size, body := range map[string]string{"1KB": strings.Repeat("x", 1<<10), "1MB": strings.Repeat("x", 1<<20)} {
			b.Run(kind+"/"+size, func(b *testing.B) {
				handler, payload := lambda.NewHandler(start), []byte(httpEvent(body))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := handler.Invoke(b.Context(), payload); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
