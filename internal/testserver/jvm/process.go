// Package jvm runs servers written in Java, fetched by Maven on first use, for
// tests and for the local stack. It is not part of any deployed function.
package jvm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/child"
)

// Program is a server that listens on a port of this machine.
type Program struct {
	Name   string // for people
	Folder string // of its pom.xml, from the root of the repository
	// Arguments returns the arguments of java: the class path, what to run, and the
	// port. lib is the folder of its jars.
	Arguments func(lib, port string) []string
	// Ready waits until the server that listens at address, host and port, can
	// be used. If it is nil, the server is ready when it listens.
	Ready func(ctx context.Context, address string) error
}

// Process is a running Program.
type Process struct {
	Address string // host and port
	process *exec.Cmd
	says    opening
	exited  <-chan struct{}
}

// Start runs the program on a free loopback port and waits up to a minute until
// it answers. On first use it downloads the program, which takes some seconds, and
// writes a line to progress unless that is nil. The server ends with this process,
// on Linux even if this process is killed.
func Start(ctx context.Context, p Program, progress io.Writer) (*Process, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, errors.New(p.Name + " needs Java 17: no java on the PATH")
	}
	lib, err := p.library(ctx, progress)
	if err != nil {
		return nil, err
	}
	process, err := child.Retry(func() (*Process, error) { return p.launch(ctx, java, lib) })
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	return process, nil
}

func (p Program) launch(ctx context.Context, java, lib string) (*Process, error) {
	addresses, err := child.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addresses[0]) // it has both
	arguments := append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"}, p.Arguments(lib, port)...)
	s := &Process{Address: addresses[0], process: exec.Command(java, arguments...)}
	s.process.Stdout, s.process.Stderr = &s.says, &s.says
	if s.exited, err = child.Start(s.process, nil); err != nil {
		return nil, err
	}
	if err := s.ready(ctx, p.Ready); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// ready waits until the server answers.
func (s *Process) ready(ctx context.Context, usable func(context.Context, string) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := s.listens(ctx)
	if err == nil && usable != nil {
		err = usable(ctx, s.Address)
	}
	if err == nil {
		return nil
	}
	// Another server may have answered on the port: Java then cannot listen there
	// and ends soon.
	select {
	case <-s.exited:
		return fmt.Errorf("%w: %s: %s", child.ErrEnded, s.process.ProcessState, bytes.TrimSpace(s.says.text))
	case <-time.After(2 * time.Second):
		return err
	}
}

func (s *Process) listens(ctx context.Context) error {
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.exited:
			return child.ErrEnded
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Close ends the server and deletes all that it holds. It can be called again.
func (s *Process) Close() {
	_ = s.process.Process.Kill()
	<-s.exited
}

// opening keeps the beginning of a process's output, which says why it cannot run.
type opening struct{ text []byte }

func (o *opening) Write(b []byte) (int, error) {
	o.text = append(o.text, b[:min(len(b), 1<<10-len(o.text))]...)
	return len(b), nil
}
