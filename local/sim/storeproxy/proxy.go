// Package storeproxy is a proxy between the functions and a real DynamoDB. It
// injects faults into requests and answers while it runs. The database itself is
// never simulated: what a fault lets through is committed for real.
package storeproxy

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/faultproxy"
	"github.com/coldfuse/coldfuse/local/wait"
)

// Mode is what goes wrong.
type Mode string

const (
	None         Mode = ""
	Refuse       Mode = "refuse"        // connections are refused, open ones reset
	Hang         Mode = "hang"          // requests are taken and never answered
	Delay        Mode = "delay"         // each request waits Fault.Delay
	DelayConnect Mode = "delay_connect" // each new connection waits Fault.Delay before its first byte is read
	DropReply    Mode = "drop_reply"    // the request is performed, then the connection is reset
	Reset        Mode = "reset"         // the connection is reset before the request is performed
	Duplicate    Mode = "duplicate"     // the request is performed twice in a row; the client gets the second answer
	Echo         Mode = "echo"          // the request is answered, and performed again Fault.Delay later
)

// Fault is in force until it is replaced.
type Fault struct {
	Mode  Mode
	Delay time.Duration // of Delay, DelayConnect and Echo
}

// Validate returns an error if the mode is unknown, or if its delay is missing or
// unused.
func (f Fault) Validate() error {
	switch f.Mode {
	case Delay, DelayConnect, Echo:
		if f.Delay <= 0 {
			return fmt.Errorf("delay: mode %s needs one above 0", f.Mode)
		}
		return nil
	case None, Refuse, Hang, DropReply, Reset, Duplicate:
		if f.Delay != 0 {
			return fmt.Errorf("delay: mode %q has none", f.Mode)
		}
		return nil
	default:
		return fmt.Errorf("mode: %q is unknown", f.Mode)
	}
}

// Proxy is a running proxy. It is safe for concurrent use.
type Proxy struct {
	address string
	forward *httputil.ReverseProxy

	*faultproxy.Faults[Fault]

	mu      sync.Mutex
	observe func(Exchange)

	server   *http.Server // nil while connections are refused
	listener net.Listener
}

// Start listens on address ("127.0.0.1:0" for a free port) and forwards to the
// DynamoDB at endpoint, a URL.
func Start(address, endpoint string) (*Proxy, error) {
	target, err := url.Parse(endpoint)
	if err != nil || target.Host == "" {
		return nil, fmt.Errorf("store proxy: endpoint %q is not a URL", endpoint)
	}
	p := &Proxy{address: address, Faults: faultproxy.New[Fault]()}
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 256,
			DisableCompression:  true, // bodies carry a checksum
		},
		ErrorLog: log.New(io.Discard, "", 0), // clients that give up are expected
	}
	p.forward.ModifyResponse = p.answered
	if err := p.listen(); err != nil {
		return nil, err
	}
	return p, nil
}

// Endpoint is the URL that clients use instead of DynamoDB's.
func (p *Proxy) Endpoint() string { return "http://" + p.address }

// Set puts a fault in force. Fault{} heals.
func (p *Proxy) Set(f Fault) error {
	if err := f.Validate(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Faults.Set(f)
	if f.Mode == Refuse {
		p.stop()
		return nil
	}
	if f.Mode == DelayConnect {
		p.stop() // so that clients connect anew
	}
	return p.listen()
}

// Control returns a handler that sets the faults over HTTP: see faultproxy.Control.
func (p *Proxy) Control() http.Handler {
	type wire struct {
		Mode    Mode  `json:"mode"`
		DelayMS int64 `json:"delay_ms,omitempty"`
	}
	return faultproxy.Control(p, `{"mode":"delay","delay_ms":250}`,
		func(f Fault) wire { return wire{f.Mode, f.Delay.Milliseconds()} },
		func(w wire) Fault { return Fault{w.Mode, time.Duration(w.DelayMS) * time.Millisecond} })
}

// Close ends the proxy and every request in it.
func (p *Proxy) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
}

// listen starts to serve on the same port as before, unless it already does. The
// caller holds mu, or is Start.
func (p *Proxy) listen() error {
	if p.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return fmt.Errorf("store proxy: %w", err)
	}
	p.address = listener.Addr().String()
	p.listener = listener
	p.server = &http.Server{
		Handler:     http.HandlerFunc(p.serve),
		ConnContext: withConn,
		ErrorLog:    log.New(io.Discard, "", 0),
	}
	go p.server.Serve(slowListener{listener, p})
	return nil
}

func (p *Proxy) stop() {
	if p.server != nil {
		p.listener.Close() // the server might not serve it yet
		p.server.Close()
	}
	p.server = nil
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	fault, changed := p.Arrived(cmp.Or(operation(r), "unknown"), func(inForce *Fault) Fault { return *inForce })
	switch fault.Mode {
	case Hang:
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		reset(r)
	case Reset:
		reset(r)
	case DropReply:
		p.forward.ServeHTTP(discard{http.Header{}}, detached(r))
		reset(r)
	case Delay:
		if !wait.Pause(r.Context(), fault.Delay) {
			return
		}
	case Duplicate, Echo:
		again, err := twin(r)
		if err != nil {
			reset(r)
		}
		if fault.Mode == Duplicate {
			p.forward.ServeHTTP(discard{http.Header{}}, again)
		} else {
			time.AfterFunc(fault.Delay, func() { p.forward.ServeHTTP(discard{http.Header{}}, again) })
		}
	}
	// The store performs a request even if the client gives up, and that has to be
	// observed. ReverseProxy does not watch the client's connection if the context
	// can be cancelled.
	ctx, done := context.WithCancel(context.WithoutCancel(r.Context()))
	defer done()
	p.forward.ServeHTTP(w, r.WithContext(ctx))
}

// twin returns a copy of the request that outlives it.
func twin(r *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	// Without the server's context values: ReverseProxy would panic to abort a
	// reply, and nothing would recover that.
	again := r.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return again, nil
}

// detached returns the request with a context that does not end when the client
// gives up.
func detached(r *http.Request) *http.Request {
	return r.WithContext(context.WithoutCancel(r.Context()))
}

// discard is a ResponseWriter for a dropped reply.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// slowListener accepts connections whose first read waits while DelayConnect is
// in force.
type slowListener struct {
	net.Listener
	proxy *Proxy
}

// Accept takes no lock: Set holds it while the server waits for this to end.
func (l slowListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &slowConn{Conn: conn, proxy: l.proxy}, nil
}

type slowConn struct {
	net.Conn
	proxy *Proxy
	once  sync.Once
}

func (c *slowConn) Read(b []byte) (int, error) {
	c.once.Do(func() {
		if f := c.proxy.Fault(); f.Mode == DelayConnect {
			time.Sleep(f.Delay)
		}
	})
	return c.Conn.Read(b)
}

type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// reset ends the request's connection so that the peer sees a reset, not an
// orderly end.
func reset(r *http.Request) {
	if slow, ok := r.Context().Value(connKey{}).(*slowConn); ok {
		if tcp, ok := slow.Conn.(*net.TCPConn); ok {
			tcp.SetLinger(0) // the server's own abort closes it
		}
	}
	panic(http.ErrAbortHandler)
}
