// Package dynamolocal runs Amazon's DynamoDB Local, a real DynamoDB API in one
// process, for tests and for the local stack. Nothing of it is deployed.
package dynamolocal

import (
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
	process  *exec.Cmd
	exited   chan struct{}
}

// Start runs DynamoDB Local, in memory, on a free loopback port and waits until
// it answers. On first use it fetches it by Maven, which takes some seconds
// and is told to progress, which may be nil. The server dies with this process.
// Where DYNAMODB_ENDPOINT is set nothing is started.
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
	if err := s.run(); err != nil {
		return nil, fmt.Errorf("start DynamoDB Local: %w", err)
	}
	if err := errors.Join(s.answers(ctx), s.warmUp(ctx)); err != nil {
		s.Close()
		return nil, fmt.Errorf("DynamoDB Local: %w", err)
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

func (s *Server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	address := s.Endpoint[len("http://"):]
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.exited:
			return fmt.Errorf("ended at once: %s", s.process.ProcessState)
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

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
