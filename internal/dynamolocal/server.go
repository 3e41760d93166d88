// Package dynamolocal runs Amazon's DynamoDB Local, a real DynamoDB API in one
// process, for tests and for the local stack. Nothing of it is deployed.
package dynamolocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// Server is a running DynamoDB Local, or the endpoint that DYNAMODB_ENDPOINT
// names.
type Server struct {
	Endpoint string
	process  *exec.Cmd // nil: not started here
	says     opening
	exited   chan struct{}
}

var errExited = errors.New("it has ended")

// Start runs DynamoDB Local, in memory, on a free loopback port and waits until
// it answers. On first use it fetches it by Maven, which takes some seconds
// and is told to progress, which may be nil. The server dies with this process,
// on Linux even if that is killed. Where DYNAMODB_ENDPOINT is set nothing is
// started.
func Start(ctx context.Context, progress io.Writer) (*Server, error) {
	if endpoint := os.Getenv("DYNAMODB_ENDPOINT"); endpoint != "" {
		return &Server{Endpoint: endpoint}, nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, errors.New("DynamoDB Local needs Java 17: no java on the PATH")
	}
	lib, err := library(ctx, progress)
	if err != nil {
		return nil, err
	}
	// A port that was free may be taken by the time that Java asks for it.
	for attempt := 1; ; attempt++ {
		s, err := launch(ctx, java, lib)
		switch {
		case err == nil:
			return s, nil
		case attempt == 3 || !errors.Is(err, errExited):
			return nil, fmt.Errorf("start DynamoDB Local: %w", err)
		}
	}
}

func launch(ctx context.Context, java, lib string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{Endpoint: "http://127.0.0.1:" + port, exited: make(chan struct{})}
	s.process = exec.Command(java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m",
		"-Djava.library.path="+lib, "-cp", filepath.Join(lib, "*"),
		"software.amazon.dynamodb.services.local.main.ServerRunner",
		"-inMemory", "-sharedDb", "-disableTelemetry", "-port", port)
	s.process.SysProcAttr = dieWithParent()
	s.process.Stdout, s.process.Stderr = &s.says, &s.says
	if err := s.run(); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// run starts the process on a thread that lives as long as it does: a process
// that dies with its parent dies with the parent's thread.
func (s *Server) run() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.process.Start()
		started <- err
		if err == nil {
			_ = s.process.Wait()
			close(s.exited)
		}
	}()
	return <-started
}

// ready waits until the server answers. One that could not have its port may
// be seen to have ended only after another's answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := s.listens(ctx)
	if err == nil {
		err = s.warmUp(ctx)
	}
	if err == nil {
		return nil
	}
	// What answered may have been another server on the port: Java, which could
	// not have it, ends soon.
	select {
	case <-s.exited:
		return fmt.Errorf("%w: %s: %s", errExited, s.process.ProcessState, bytes.TrimSpace(s.says.text))
	case <-time.After(2 * time.Second):
		return err
	}
}

func (s *Server) listens(ctx context.Context) error {
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Endpoint[len("http://"):])
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.exited:
			return errExited
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Close ends the server and all its tables, unless it was not started here.
func (s *Server) Close() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	<-s.exited
}

// Getenv gives the environment in which dynamostore.NewClient finds the server:
// of an endpoint that was not started here, with this process's own region and
// credentials where it has any.
func (s *Server) Getenv(name string) string {
	if own := os.Getenv(name); own != "" && s.process == nil && name != "AWS_ENDPOINT_URL_DYNAMODB" {
		return own
	}
	return map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL_DYNAMODB": s.Endpoint,
	}[name]
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// opening keeps what a process says first, where it tells why it cannot run.
type opening struct{ text []byte }

func (o *opening) Write(b []byte) (int, error) {
	o.text = append(o.text, b[:min(len(b), 1<<10-len(o.text))]...)
	return len(b), nil
}
