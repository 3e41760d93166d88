// Package atlassian is the HTTP client that the connectors to Atlassian's
// products share: authentication, rate limits, and errors that distinguish
// temporary failures from permanent ones and the service's from the caller's.
package atlassian

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer is the largest answer that is read, in bytes: more than any page that
// is asked for, and less than a function may return.
const maxAnswer = 5 << 20

// Client calls one product of one site. It is safe for concurrent use.
type Client struct {
	base     *url.URL
	auth     Auth
	keys     *Keyring
	reads    *http.Client
	changes  *http.Client
	now      func() time.Time
	rejected func(context.Context)
}

// Config of a Client. Base, Auth and Keys are required.
type Config struct {
	// Base is the site, https://SITE.atlassian.net, or the product at
	// Atlassian's gateway, https://api.atlassian.com/ex/jira/CLOUD_ID.
	// Credentials go to its origin and nowhere else.
	Base *url.URL
	Auth Auth
	Keys *Keyring
	// Rejected is called each time the service rejects the credentials.
	Rejected func(context.Context)
	// Now and Transport are for tests.
	Now       func() time.Time
	Transport http.RoundTripper
}

// New returns a Client that follows no redirects.
func New(c Config) *Client {
	// A connection that was kept through a freeze may be dead, and a request sent
	// on it may or may not have been executed. So each change has its own.
	fresh := newTransport()
	fresh.DisableKeepAlives = true
	client := &Client{
		base: c.Base, auth: c.Auth, keys: c.Keys, now: c.Now, rejected: c.Rejected,
		reads: newHTTPClient(newTransport()), changes: newHTTPClient(fresh),
	}
	if c.Transport != nil {
		client.reads, client.changes = newHTTPClient(c.Transport), newHTTPClient(c.Transport)
	}
	if c.Now == nil {
		client.now = time.Now
	}
	if c.Rejected == nil {
		client.rejected = func(context.Context) {}
	}
	return client
}

func newHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    2 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    10,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Request is one call of the REST API.
type Request struct {
	Method string
	Path   string // below Base, escaped
	Query  url.Values
	Body   any // sent as JSON; nil for none
	// Changes: performing it twice is not the same as once. If it may have been
	// performed, the error is ambiguous and it is not retried.
	Changes bool
	// Public: a site answers everyone, so no credentials are sent to it. The
	// gateway rejects requests without credentials, so it gets them.
	Public bool
	// AboutAccount: a 403 is about the account as a whole, not about what is
	// asked for, and so a rejection of the credentials.
	AboutAccount bool
}

// Decoder is a v of Do that reads an answer's JSON itself. It owns body from then
// on.
type Decoder interface{ Decode(body []byte) error }

func decode(body []byte, v any) error {
	if d, ok := v.(Decoder); ok {
		return d.Decode(body)
	}
	return json.Unmarshal(body, v)
}

// HeaderReader is a v of Do that also reads a successful answer's header, such as
// the link to the next page.
type HeaderReader interface{ ReadHeader(http.Header) }

// Do sends the request and reads the answer's JSON into v. If the credentials are
// rejected they are read again, and if they have changed the request is sent once
// more: a request with rejected credentials was not performed. Errors are *Error.
func (c *Client) Do(ctx context.Context, r Request, v any) error {
	keys, err := c.keys.Fresh(ctx)
	if err != nil {
		c.credentialsRejected(ctx, err)
		return err
	}
	err = c.roundTrip(ctx, r, keys, v)
	if r.Public && !c.gateway() || !c.credentialsRejected(ctx, err) {
		return err
	}
	renewed, changed := c.keys.Renew(ctx, keys)
	if !changed {
		return err
	}
	err = c.roundTrip(ctx, r, renewed, v)
	c.credentialsRejected(ctx, err)
	return err
}

// credentialsRejected reports whether other credentials may help, and calls
// Config.Rejected if the service rejected these. A 403 of Atlassian's gateway
// means an expired Bearer token or a missing permission of the account.
func (c *Client) credentialsRejected(ctx context.Context, err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	if e.Reason == reasonUnauthorized {
		c.rejected(ctx)
		return !e.Ambiguous
	}
	return c.auth != Basic && e.Status == http.StatusForbidden
}

// roundTrip sends the request once and reads the answer.
func (c *Client) roundTrip(ctx context.Context, r Request, keys Credentials, v any) error {
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { written.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { written.Store(true) },
	})
	req, err := c.request(ctx, r, keys)
	if err != nil {
		return err
	}
	via := c.reads
	if r.Changes {
		via = c.changes
	}
	res, err := via.Do(req)
	if err != nil {
		return fromNetwork(err, r.Changes, written.Load())
	}
	defer res.Body.Close()
	body, err := readBody(res)
	switch {
	case rejectedCredentials(res) || res.StatusCode < 200 || res.StatusCode > 299:
		e := fromAnswer(res, body, r.Changes, c.now())
		if c.turnedAway(e) || r.AboutAccount && e.Status == http.StatusForbidden {
			e.Reason = reasonUnauthorized
		}
		return e
	case err != nil:
		return fromNetwork(err, r.Changes, true)
	case len(body) > maxAnswer:
		return &Error{Reason: reasonTooLarge, Status: res.StatusCode, RequestID: requestID(res), Ambiguous: r.Changes}
	case !isJSON(res) || decode(body, v) != nil:
		return &Error{Reason: reasonBadResponse, Status: res.StatusCode, RequestID: requestID(res), Ambiguous: r.Changes}
	}
	if h, ok := v.(HeaderReader); ok {
		h.ReadHeader(res.Header)
	}
	return nil
}

// gateway reports whether the product is called through Atlassian's gateway.
func (c *Client) gateway() bool { return strings.HasPrefix(c.base.Path, "/ex/") }

// turnedAway reports whether the gateway itself rejected the credentials. If they
// have expired or belong to another site it answers 403 or 404, without the
// messages of a product. A product's 403 and 404 are about the thing asked for.
func (c *Client) turnedAway(e *Error) bool {
	return c.gateway() && (e.Status == http.StatusForbidden || e.Status == http.StatusNotFound) &&
		len(e.Messages)+len(e.Fields) == 0
}

// readBody reads an answer into one buffer, of the answer's size if that is known.
func readBody(res *http.Response) ([]byte, error) {
	var b bytes.Buffer
	if n := res.ContentLength; n > 0 {
		b.Grow(int(min(n, maxAnswer)) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(res.Body, maxAnswer+1))
	return b.Bytes(), err
}

func (c *Client) request(ctx context.Context, r Request, keys Credentials) (*http.Request, error) {
	u := *c.base
	u.RawPath = u.EscapedPath() + r.Path
	path, err := url.PathUnescape(u.RawPath)
	if err != nil {
		return nil, fmt.Errorf("atlassian: path %q: %w", r.Path, err)
	}
	u.Path, u.RawQuery = path, r.Query.Encode()
	var body io.Reader
	if r.Body != nil {
		encoded, err := json.Marshal(r.Body)
		if err != nil {
			return nil, fmt.Errorf("atlassian: encode body: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("atlassian: %w", err)
	}
	// No Idempotency-Key: Jira ignores it, and with it net/http would repeat a
	// POST by itself.
	if !r.Public || c.gateway() {
		req.Header.Set("Authorization", c.auth.header(keys))
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// isJSON reports whether an answer is JSON. A proxy may answer 200 with the page
// of a login or of an outage.
func isJSON(res *http.Response) bool {
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
