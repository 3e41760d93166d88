package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// maxResponse is the most bytes that a function can return, including the JSON
// around the body (Lambda quotas: invocation payload, synchronous, 6 MB).
const maxResponse = 6 << 20

var errTooLarge = errors.New("gateway: response over 6 MB")

// response is a ResponseWriter that collects what a handler writes.
type response struct {
	header   http.Header // what the handler sees
	sent     http.Header // copy of header from when the status was written
	status   int
	body     bytes.Buffer
	tooLarge bool
}

func (w *response) Header() http.Header { return w.header }

// WriteHeader keeps the first final status. An HTTP API cannot send
// informational ones.
func (w *response) WriteHeader(status int) {
	if w.status != 0 || status < http.StatusOK {
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.tooLarge = w.tooLarge || w.body.Len()+len(p) > maxResponse; w.tooLarge {
		return 0, errTooLarge
	}
	return w.body.Write(p)
}

// event returns the response as API Gateway wants it, or false if it is too large
// for Lambda.
func (w *response) event() (events.APIGatewayV2HTTPResponse, bool) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len() > 0 && w.sent.Get("Content-Type") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	out := events.APIGatewayV2HTTPResponse{
		StatusCode: w.status,
		Headers:    make(map[string]string, len(w.sent)),
		Cookies:    w.sent["Set-Cookie"],
		Body:       w.body.String(),
	}
	for name, values := range w.sent {
		// Cookies contain commas, so joined ones could not be separated.
		if name != "Set-Cookie" {
			out.Headers[name] = strings.Join(values, ", ")
		}
	}
	if !utf8.ValidString(out.Body) {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return out, !w.tooLarge && fits(out)
}

// fits reports whether out is small enough as JSON. It measures only a body that
// could be too large: JSON needs at most six bytes for one.
func fits(out events.APIGatewayV2HTTPResponse) bool {
	const worst, rest = 6, 64 << 10
	if worst*len(out.Body)+rest <= maxResponse {
		return true
	}
	var size counter
	encoder := json.NewEncoder(&size)
	encoder.SetEscapeHTML(false) // as aws-lambda-go does
	return encoder.Encode(out) == nil && size <= maxResponse
}

// counter counts the bytes written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
