//go:build linux

// Package events runs every event of the folder events/ through the function that
// it is for, as events/cases says. Each case runs under package lambda with the
// race detector, and one event of each function under AWS's own Runtime Interface
// Emulator, a static binary that the SAM CLI carries, as a second opinion.
//
// The emulator is for Linux only. It has one environment, no freezing, and crashes
// under concurrent requests.
package events

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/child"
	"github.com/coldfuse/coldfuse/local/wait"
)

// Install puts the emulator into .cache/venv of the repository, unless it is
// there, and returns its path.
func Install(ctx context.Context, root string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	script := exec.CommandContext(ctx, "python3", filepath.Join(root, "scripts", "venv.py"))
	if out, err := script.CombinedOutput(); err != nil {
		return "", fmt.Errorf("scripts/venv.py: %w\n%s", err, out)
	}
	machine := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	pattern := filepath.Join(root, ".cache/venv/lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-"+machine)
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("the SAM CLI has no emulator at %s", pattern)
	}
	return found[0], nil
}

// Emulator is a running one.
type Emulator struct {
	invoke  string // URL
	command *exec.Cmd
	exited  <-chan struct{}
}

// Start runs the emulator around a bootstrap with the environment env, and waits
// until it listens. The output of both goes to log. The first Invoke initialises
// the function.
func Start(ctx context.Context, emulator, bootstrap string, env []string, log io.Writer) (*Emulator, error) {
	return child.Retry(func() (*Emulator, error) { return launch(ctx, emulator, bootstrap, env, log) })
}

func launch(ctx context.Context, emulator, bootstrap string, env []string, log io.Writer) (*Emulator, error) {
	addresses, err := child.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	api, runtimeAPI := addresses[0], addresses[1]
	e := &Emulator{
		invoke:  "http://" + api + "/2015-03-31/functions/function/invocations",
		command: exec.Command(emulator, "--runtime-interface-emulator-address", api, "--runtime-api-address", runtimeAPI, bootstrap),
	}
	e.command.Env, e.command.Stdout, e.command.Stderr = env, log, log
	e.command.Dir = filepath.Dir(bootstrap)
	e.command.WaitDelay = time.Second // the function may hold the pipe open
	if e.exited, err = child.Start(e.command, nil); err != nil {
		return nil, err
	}
	// On both: our functions ask for their first invocation sooner than a busy
	// machine lets the emulator open its runtime API.
	err = wait.For(ctx, 10*time.Second, "the emulator listens", func() bool { return e.ended() || listens(api) && listens(runtimeAPI) })
	if e.ended() {
		err = child.ErrEnded
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func (e *Emulator) ended() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// Invoke sends an event and returns the function's answer. It must not be called
// concurrently.
func (e *Emulator) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.invoke, bytes.NewReader(event))
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// Close ends the emulator and the function.
func (e *Emulator) Close() {
	syscall.Kill(-e.command.Process.Pid, syscall.SIGKILL)
	<-e.exited
}

func listens(address string) bool {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	connection.Close()
	return true
}
