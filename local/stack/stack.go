package stack

import (
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
	"sync"
	"syscall"
	"time"

	"github.com/coldfuse/coldfuse/local/jirasim"
	"github.com/coldfuse/coldfuse/local/lambda"
	"github.com/coldfuse/coldfuse/local/secretsim"
	"github.com/coldfuse/coldfuse/local/storeproxy"
	"github.com/coldfuse/coldfuse/local/template"
)

// Config of a stack. Empty addresses are free ports on the loopback interface.
type Config struct {
	Root       string            // the repository
	Template   string            // empty: template.yaml in Root
	Parameters map[string]string // of the template, over the local ones
	Listen     string            // address of the HTTP API
	Admin      string            // address of the admin server
	Jira       string            // address of the Jira simulator
	// Credentials are a real site's, which Parameters name; zero: the
	// simulator's.
	Credentials jirasim.Credentials
	SearchLag   func() time.Duration // of the Jira simulator; nil: a random 0 to 5 s
	Warm        int                  // environments of each function to start at once
	Progress    io.Writer            // nil: none
	LogFile     string               // receives what the functions write; empty: none
	Watch       func(lambda.Line)    // sees each line that a function writes; must not use the Log
}

// Stack is a running system. Its fields are for tests and the demo, which
// watch it from the inside.
type Stack struct {
	URL       string // of the HTTP API
	AdminURL  string
	JiraURL   string
	Functions map[string]*lambda.Function // by logical id
	Store     *storeproxy.Proxy
	Jira      *jirasim.Simulator
	Secrets   *secretsim.Server
	Log       *Log

	config     Config
	secretsURL string
	started    time.Time
	closers    []func()
}

// Start builds and starts everything, or nothing: after an error or Close no
// process, port or file of the stack is left, but for the log file.
func Start(ctx context.Context, c Config) (*Stack, error) {
	if c.Progress != nil {
		c.Progress = &lockedWriter{out: c.Progress}
	}
	s := &Stack{
		Functions: map[string]*lambda.Function{},
		Log:       &Log{watch: c.Watch},
		config:    c,
		started:   time.Now(),
	}
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// start takes the ports first: a port in use should not cost a build.
func (s *Stack) start(ctx context.Context) error {
	front, err := s.listen("the HTTP API", s.config.Listen)
	if err != nil {
		return err
	}
	admin, err := s.listen("the admin server", s.config.Admin)
	if err != nil {
		return err
	}
	if err := s.openLog(); err != nil {
		return err
	}
	if err := s.startAtlassian(); err != nil {
		return err
	}
	declared, err := s.readTemplate()
	if err != nil {
		return err
	}
	bootstraps, err := s.prepare(ctx, declared)
	if err != nil {
		return err
	}
	if err := s.startFunctions(declared, bootstraps); err != nil {
		return err
	}
	api, err := s.newAPI(declared)
	if err != nil {
		return err
	}
	s.serve(front, api)
	s.serve(admin, s.admin())
	s.URL, s.AdminURL = "http://"+front.Addr().String(), "http://"+admin.Addr().String()
	return s.warm(ctx, s.config.Warm)
}

// prepare compiles the functions and starts the store side by side.
func (s *Stack) prepare(ctx context.Context, declared *template.Template) (map[string]string, error) {
	dir, err := os.MkdirTemp("", "coldfuse-")
	if err != nil {
		return nil, err
	}
	s.atClose(func() { os.RemoveAll(dir) })
	uris := map[string]bool{}
	for _, f := range declared.Functions {
		uris[f.CodeURI] = true
	}
	var (
		wg         sync.WaitGroup
		bootstraps map[string]string
		buildErr   error
	)
	wg.Go(func() {
		bootstraps, buildErr = build(ctx, s.config.Root, dir, slices.Sorted(maps.Keys(uris)), s.progress)
	})
	storeErr := s.startStore(ctx, declared.Tables)
	wg.Wait()
	return bootstraps, errors.Join(buildErr, storeErr)
}

// Close ends everything, newest first. It may be called again.
func (s *Stack) Close() {
	for _, closer := range slices.Backward(s.closers) {
		closer()
	}
	s.closers = nil
}

func (s *Stack) atClose(f func()) { s.closers = append(s.closers, f) }

func (s *Stack) listen(what, address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
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

func (s *Stack) serve(listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	s.atClose(func() { server.Close() })
	go server.Serve(listener)
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
