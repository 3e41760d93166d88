package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/mongolocal"
	"github.com/coldfuse/coldfuse/local/sim/confluencesim"
	"github.com/coldfuse/coldfuse/local/sim/jirasim"
	"github.com/coldfuse/coldfuse/local/sim/secretsim"
	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/local/stack/httpapi"
	"github.com/coldfuse/coldfuse/local/stack/identity"
	"github.com/coldfuse/coldfuse/local/stack/lambda"
	"github.com/coldfuse/coldfuse/local/stack/template"
)

const loopback = "127.0.0.1"

// Config of a stack. Empty addresses are free ports; those without a host are
// on the loopback interface, or on Bind.
type Config struct {
	Root       string            // the repository
	Template   string            // empty: template.yaml in Root
	Parameters map[string]string // of the template, over the local ones
	Listen     string            // address of the HTTP API
	Admin      string            // address of the admin server
	Jira       string            // address of the Jira simulator
	Confluence string            // address of the Confluence simulator
	// Bind is the host of everything that functions call, so that those in
	// containers reach it, such as 172.17.0.1; empty: 127.0.0.1.
	Bind      string
	Secrets   Secrets              // of real services, to which Parameters lead
	SearchLag func() time.Duration // of the simulators; nil: a random 0 to 5 s
	Warm      int                  // environments of each function to start at once
	// Front wraps the HTTP API, for tests that watch what passes; nil: nothing
	// does.
	Front    func(http.Handler) http.Handler
	Progress io.Writer         // nil: none
	LogFile  string            // receives what the functions write; empty: none
	Watch    func(lambda.Line) // sees each line that a function writes; must not use the Log
}

// Secrets are texts as the functions read them. An empty one is the stand-in's.
type Secrets struct{ Jira, Confluence string }

// Stack is a running system. Its fields are for tests and the demo, which
// watch it from the inside.
type Stack struct {
	URL           string // of the HTTP API
	AdminURL      string
	JiraURL       string
	ConfluenceURL string
	Functions     map[string]*lambda.Function // by logical id
	Store         *storeproxy.Proxy
	MongoDB       *mongolocal.Proxy // nil where MONGODB_URI names a database
	Jira          *jirasim.Simulator
	Confluence    *confluencesim.Simulator
	Secrets       *secretsim.Server
	Issuer        *identity.Issuer     // of the tokens that the HTTP API admits
	AccessKeys    *identity.AccessKeys // whose signatures it admits
	Log           *Log

	config      Config
	bind        string // host of what functions call
	secretsURL  string
	products    []product
	declared    *template.Template
	authorizers []httpapi.Authorizer // by route
	started     time.Time

	closing sync.Mutex // guards closers, to which things started side by side add
	closers []func()
}

// Start builds and starts everything, or nothing: after an error or Close no
// process, port or file of the stack is left, but for the log file.
func Start(ctx context.Context, c Config) (*Stack, error) {
	if c.Progress != nil {
		c.Progress = &lockedWriter{out: c.Progress}
	}
	s := &Stack{
		Functions:  map[string]*lambda.Function{},
		Issuer:     identity.NewIssuer(),
		AccessKeys: identity.NewAccessKeys(),
		Log:        &Log{watch: c.Watch},
		config:     c,
		bind:       cmp.Or(c.Bind, loopback),
		started:    time.Now(),
	}
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// start takes the ports first: a port in use should not cost a build.
func (s *Stack) start(ctx context.Context) error {
	if ip := net.ParseIP(s.bind); ip == nil || ip.IsUnspecified() {
		return fmt.Errorf("bind %s: want one address of this machine, to which the functions are sent", s.bind)
	}
	front, err := s.listen("the HTTP API", loopback, s.config.Listen)
	if err != nil {
		return err
	}
	admin, err := s.listen("the admin server", loopback, s.config.Admin)
	if err != nil {
		return err
	}
	for _, step := range []func() error{s.openLog, s.startSecrets, s.startAtlassian, s.readTemplate, s.makeAuthorizers} {
		if err := step(); err != nil {
			return err
		}
	}
	bootstraps, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	if err := s.startFunctions(bootstraps); err != nil {
		return err
	}
	api, err := s.newAPI()
	if err != nil {
		return err
	}
	s.URL, s.AdminURL = s.serve(front, api), s.serve(admin, s.admin())
	return s.warm(ctx, s.config.Warm)
}

// prepare compiles the functions and starts the stores side by side.
func (s *Stack) prepare(ctx context.Context) (map[string]string, error) {
	dir, err := os.MkdirTemp("", "coldfuse-")
	if err != nil {
		return nil, err
	}
	s.atClose(func() { os.RemoveAll(dir) })
	uris := map[string]bool{}
	for _, f := range s.declared.Functions {
		uris[f.CodeURI] = true
	}
	var (
		wg                           sync.WaitGroup
		bootstraps                   map[string]string
		buildErr, storeErr, mongoErr error
	)
	wg.Go(func() {
		bootstraps, buildErr = build(ctx, s.config.Root, dir, slices.Sorted(maps.Keys(uris)), s.progress)
	})
	wg.Go(func() { storeErr = s.startStore(ctx, s.declared.Tables) })
	wg.Go(func() { mongoErr = s.startMongoDB(ctx) })
	wg.Wait()
	return bootstraps, errors.Join(buildErr, storeErr, mongoErr)
}

// Close ends everything, newest first. It may be called again.
func (s *Stack) Close() {
	for _, closer := range slices.Backward(s.closers) {
		closer()
	}
	s.closers = nil
}

func (s *Stack) atClose(f func()) {
	s.closing.Lock()
	defer s.closing.Unlock()
	s.closers = append(s.closers, f)
}

// listen takes the port of an address, on the host unless the address has its
// own.
func (s *Stack) listen(what, host, address string) (net.Listener, error) {
	if port, ok := strings.CutPrefix(cmp.Or(address, ":0"), ":"); ok {
		address = net.JoinHostPort(host, port)
	}
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use: stop what listens there, or give %s another address", address, what)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	s.atClose(func() { listener.Close() })
	return listener, nil
}

// serve returns the URL at which the handler answers from now on.
func (s *Stack) serve(listener net.Listener, handler http.Handler) string {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	s.atClose(func() { server.Close() })
	go server.Serve(listener)
	return "http://" + listener.Addr().String()
}

func (s *Stack) openLog() error {
	if s.config.LogFile == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.config.LogFile), 0o755); err != nil {
		return err
	}
	file, err := os.Create(s.config.LogFile)
	if err != nil {
		return err
	}
	s.Log.out = file
	s.atClose(func() { file.Close() })
	return nil
}

func (s *Stack) progress(format string, args ...any) {
	if s.config.Progress != nil {
		fmt.Fprintf(s.config.Progress, "%6.1f s  %s\n", time.Since(s.started).Seconds(), fmt.Sprintf(format, args...))
	}
}

// lockedWriter is for progress, which several things make at once.
type lockedWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}
