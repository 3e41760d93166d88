package mongolocal

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/faultproxy"
)

// Mode is what goes wrong between a client and the server.
type Mode string

const (
	None      Mode = ""
	Refuse    Mode = "refuse"     // connections are refused, open ones reset
	Hang      Mode = "hang"       // commands are read and never answered, also on new connections
	Delay     Mode = "delay"      // each command waits Fault.Delay
	CutBefore Mode = "cut_before" // the connection is reset before the command is performed
	CutAfter  Mode = "cut_after"  // the command is performed, then the connection is reset
)

// Fault is what goes wrong, with which commands, and how often.
type Fault struct {
	Mode  Mode
	Delay time.Duration // of mode Delay
	// Command is the name of the only command with the fault, such as "insert".
	// Empty means any, including the driver's monitoring.
	Command string
	// Times is the number of commands with the fault before it heals. 0 means until
	// it is replaced.
	Times int
}

// validate returns an error if the mode is unknown or has settings it cannot use.
func (f Fault) validate() error {
	switch f.Mode {
	case None, Refuse:
		if f.Command != "" || f.Times != 0 {
			return fmt.Errorf("mode %q has no command", f.Mode)
		}
	case Hang, Delay, CutBefore, CutAfter:
	default:
		return fmt.Errorf("mode %q is unknown", f.Mode)
	}
	if (f.Mode == Delay) != (f.Delay > 0) || f.Times < 0 {
		return fmt.Errorf("mode %q with a delay of %s, %d times", f.Mode, f.Delay, f.Times)
	}
	return nil
}

// Proxy is a proxy between clients and a MongoDB server. It injects faults between
// the messages of the wire protocol while it runs. What a fault lets through is
// performed for real. It is safe for concurrent use.
type Proxy struct {
	address, upstream string

	*faultproxy.Faults[Fault]

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	conns    map[net.Conn]bool
	relays   sync.WaitGroup
}

// StartProxy listens on address ("127.0.0.1:0" for a free port) and forwards to
// the server at upstream, host and port.
func StartProxy(address, upstream string) (*Proxy, error) {
	p := &Proxy{address: address, upstream: upstream, Faults: faultproxy.New[Fault](), conns: map[net.Conn]bool{}}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.listen(); err != nil {
		return nil, err
	}
	return p, nil
}

// URI is what clients connect to instead of the server's own.
func (p *Proxy) URI() string { return uri(p.address) }

// Set puts a fault in force. Fault{} heals. Connections that hang are reset.
func (p *Proxy) Set(f Fault) error {
	if err := f.validate(); err != nil {
		return fmt.Errorf("MongoDB proxy: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Faults.Set(f)
	if f.Mode == Refuse {
		p.stop()
		return nil
	}
	return p.listen()
}

// Control returns a handler that sets the faults over HTTP: see faultproxy.Control.
func (p *Proxy) Control() http.Handler {
	type wire struct {
		Mode    Mode   `json:"mode"`
		DelayMS int64  `json:"delay_ms,omitempty"`
		Command string `json:"command,omitempty"`
		Times   int    `json:"times,omitempty"`
	}
	return faultproxy.Control(p, `{"mode":"cut_after","command":"insert","times":1}`,
		func(f Fault) wire { return wire{f.Mode, f.Delay.Milliseconds(), f.Command, f.Times} },
		func(w wire) Fault {
			return Fault{w.Mode, time.Duration(w.DelayMS) * time.Millisecond, w.Command, w.Times}
		})
}

// Close ends the proxy and every connection through it.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.Faults.Set(Fault{})
	p.stop()
	p.mu.Unlock()
	p.relays.Wait()
}

// listen starts to accept connections on the same port as before, unless it
// already does. The caller holds mu.
func (p *Proxy) listen() error {
	if p.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return fmt.Errorf("MongoDB proxy: %w", err)
	}
	p.address, p.listener = listener.Addr().String(), listener
	p.relays.Go(func() { p.accept(listener) })
	return nil
}

func (p *Proxy) stop() {
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for conn := range p.conns {
		reset(conn)
	}
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		if p.keep(conn) {
			p.relays.Go(func() { p.serve(conn) })
		}
	}
}

// keep records a connection, so that stop can reset it. It returns false if the
// proxy no longer listens.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		reset(conn)
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *Proxy) drop(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	conn.Close()
}

// serve relays one client's commands, each with its replies: a client of
// MongoDB sends no command on a connection before it has the last one's reply.
func (p *Proxy) serve(client net.Conn) {
	defer p.drop(client)
	server, err := net.Dial("tcp", p.upstream)
	if err != nil || !p.keep(server) {
		reset(client)
		return
	}
	defer p.drop(server)
	for p.relay(client, server) == nil {
	}
}

// relay forwards one command and its replies, or applies the fault in force.
func (p *Proxy) relay(client, server net.Conn) error {
	command, err := readMessage(client)
	if err != nil {
		return err
	}
	fault, changed := p.Arrived(command.name(), meet(command.name()))
	switch fault.Mode {
	case Hang:
		<-changed
		return reset(client)
	case CutBefore:
		return reset(client)
	case Delay:
		select {
		case <-time.After(fault.Delay):
		case <-changed:
		}
	}
	if _, err := server.Write(command); err != nil {
		return err
	}
	if command.unanswered() {
		return nil
	}
	for {
		reply, err := readMessage(server)
		if err != nil {
			return err
		}
		if fault.Mode == CutAfter {
			return reset(client)
		}
		if _, err := client.Write(reply); err != nil || !reply.moreToCome() {
			return err
		}
	}
}

// meet returns a function that returns a command's fault and counts it.
func meet(command string) func(*Fault) Fault {
	return func(inForce *Fault) Fault {
		fault := *inForce
		if fault.Command != "" && fault.Command != command {
			return Fault{}
		}
		if fault.Times > 0 {
			if inForce.Times--; inForce.Times == 0 { // commands that hang stay hung
				*inForce = Fault{}
			}
		}
		return fault
	}
}

// reset ends a connection and returns an error that ends its relay.
func reset(conn net.Conn) error {
	faultproxy.Reset(conn)
	return io.ErrClosedPipe
}
