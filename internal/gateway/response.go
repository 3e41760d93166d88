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

// maxResponse is the most bytes that a function may return, JSON around the
// body included (Lambda quotas: invocation payload, synchronous, 6 MB).
const maxResponse = 6 << 20

var errTooLarge = errors.New("gateway: response over 6 MB")

// response collects what a handler writes.
type response struct {
	header   http.Header // what the handler sees
	sent     http.Header // header as it was when the status was written
	status   int
	body     bytes.Buffer
	tooLarge bool
}

func (w *response) Header() http.Header { return w.header }

// WriteHeader keeps the first final status. Informational ones cannot be sent
// through an HTTP API.
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
		// Cookies hold commas, so that joined ones could not be told apart.
		if name != "Set-Cookie" {
			out.Headers[name] = strings.Join(values, ", ")
		}
	}
	if !utf8.ValidString(out.Body) {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return out, !w.tooLarge && fits(out)
}

// fits measures only what could be too large: JSON makes six bytes of one at
// most.
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

// counter counts what is written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
