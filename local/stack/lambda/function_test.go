package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/wait"
)

var bootstrap string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambda")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	bootstrap = filepath.Join(dir, "bootstrap")
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./testdata/echo").CombinedOutput()
	if err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	return m.Run()
}

type answer struct {
	PID, Call int
	ID        string
	Left      int64 `json:"left_ms"`
	Env       string
}

type logbook struct {
	mu    sync.Mutex
	lines []Line
}

func (l *logbook) add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *logbook) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line.Text, text) {
			return true
		}
	}
	return false
}

func newFunction(t *testing.T, change func(*Config)) *Function {
	t.Helper()
	c := Config{Name: "echo", Bootstrap: bootstrap, Timeout: 10 * time.Second, Env: []string{"GREETING=hello"}}
	if change != nil {
		change(&c)
	}
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func call(t *testing.T, f *Function, event string) answer {
	t.Helper()
	out, err := f.Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatalf("Invoke(%s): %v", event, err)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("answer %q: %v", out, err)
	}
	return a
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	if err := wait.For(t.Context(), 10*time.Second, what, holds); err != nil {
		t.Fatal(err)
	}
}

func frozen(f *Function) bool {
	for _, e := range f.Environments() {
		if e.State != "frozen" {
			return false
		}
	}
	return true
}

func TestOneEnvironmentServesCallsInTurn(t *testing.T) {
	f := newFunction(t, nil)
	first := call(t, f, `{}`)
	eventually(t, "the environment rests", func() bool { return frozen(f) })
	second := call(t, f, `{}`)
	if first.PID != second.PID || second.Call != 2 {
		t.Errorf("got processes %d and %d, call %d; want one process, call 2", first.PID, second.PID, second.Call)
	}
	if first.Env != "hello" {
		t.Errorf("environment variable %q, want hello", first.Env)
	}
	if first.ID == second.ID || len(first.ID) != 36 {
		t.Errorf("request ids %q and %q", first.ID, second.ID)
	}
	if first.Left < 9000 || first.Left > 10000 {
		t.Errorf("deadline in %d ms, want just under 10,000", first.Left)
	}
}

func TestAnIdleEnvironmentIsFrozen(t *testing.T) {
	f := newFunction(t, nil)
	call(t, f, `{}`)
	eventually(t, "the environment rests", func() bool { return frozen(f) })
	pid := f.Environments()[0].PID
	eventually(t, "the kernel says stopped", func() bool { return processState(t, pid) == "T" })
}

// processState is the kernel's letter for a process: T is stopped.
func processState(t *testing.T, pid int) string {
	t.Helper()
	out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	if err != nil {
		return ""
	}
	return string(out[:1])
}

func TestABusyFleetGrowsToItsConcurrency(t *testing.T) {
	f := newFunction(t, func(c *Config) { c.Concurrency = 3; c.Timeout = time.Minute })
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { f.Invoke(context.Background(), []byte(`{"sleep_ms":60000}`)) })
	}
	eventually(t, "three environments are busy", func() bool {
		list := f.Environments()
		return len(list) == 3 && !slices.ContainsFunc(list, func(e Environment) bool { return e.State != "busy" })
	})
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, ErrThrottled) {
		t.Errorf("fourth call: %v, want ErrThrottled", err)
	}
	f.Close()
	wg.Wait()
}

func TestNegativeConcurrencyIsTheKillSwitch(t *testing.T) {
	f := newFunction(t, func(c *Config) { c.Concurrency = -1 })
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, ErrThrottled) {
		t.Errorf("got %v, want ErrThrottled", err)
	}
}

func TestWhatEndsAnInvocation(t *testing.T) {
	cases := []struct {
		rule, event, wantType, wantMessage string
		lives                              bool
	}{
		{"an error leaves the environment alive", `{"do":"fail"}`, "errorString", "no luck", true},
		{"a panic ends the environment", `{"do":"panic"}`, "string", "oh", false},
		{"an exit ends the environment", `{"do":"exit"}`, "Runtime.ExitError", "exit status 3", false},
		{"the timeout ends the environment", `{"sleep_ms":60000}`, "Sandbox.Timedout", "Task timed out after 1.00 seconds", false},
		{"a response over 6 MB is an error", `{"size":6400000}`, "Function.ResponseSizeTooLarge", "exceeded", false},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			f := newFunction(t, func(c *Config) { c.Timeout = time.Second })
			_, err := f.Invoke(t.Context(), []byte(c.event))
			var failure *FunctionError
			if !errors.As(err, &failure) || failure.Type != c.wantType || !strings.Contains(failure.Message, c.wantMessage) {
				t.Fatalf("got %v, want %s with %q", err, c.wantType, c.wantMessage)
			}
			if c.lives {
				eventually(t, "the environment rests", func() bool { return len(f.Environments()) == 1 && frozen(f) })
			} else {
				eventually(t, "the environment is gone", func() bool { return len(f.Environments()) == 0 })
			}
			if got := call(t, f, `{}`); (got.Call == 2) != c.lives {
				t.Errorf("next call is number %d of its process", got.Call)
			}
		})
	}
}

func TestAFailedInitFailsTheCall(t *testing.T) {
	cases := []struct{ rule, mode, want string }{
		{"an exit", "exit", "exit status 1"},
		{"a hang", "hang", "INIT timed out"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			book := &logbook{}
			f := newFunction(t, func(config *Config) {
				config.Env = []string{"INIT=" + c.mode}
				config.InitTimeout = 2 * time.Second
				config.Log = book.add
			})
			_, err := f.Invoke(t.Context(), []byte(`{}`))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err := f.Warm(t.Context(), 1); err == nil {
				t.Error("Warm succeeded")
			}
			if c.mode == "exit" && !book.has("refusing to start") {
				t.Error("the function's last words are not in the log")
			}
		})
	}
}

func TestKilledEnvironmentsAreReplacedByColdOnes(t *testing.T) {
	f := newFunction(t, nil)
	if err := f.Warm(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	before := f.Environments()
	if n := f.Kill(before[0].ID); n != 1 {
		t.Errorf("Kill(one) ended %d", n)
	}
	if n := f.Kill(); n != 1 {
		t.Errorf("Kill() ended %d, want the other one", n)
	}
	for _, e := range before {
		if err := syscall.Kill(e.PID, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", e.PID, err)
		}
	}
	if got := call(t, f, `{}`); got.Call != 1 || got.PID == before[0].PID {
		t.Errorf("the call after the kill was number %d of its process", got.Call)
	}
}

func TestAKillDuringACallFailsIt(t *testing.T) {
	f := newFunction(t, nil)
	failed := make(chan error, 1)
	go func() {
		_, err := f.Invoke(context.Background(), []byte(`{"sleep_ms":60000}`))
		failed <- err
	}()
	eventually(t, "the call runs", func() bool {
		list := f.Environments()
		return len(list) == 1 && list[0].State == "busy"
	})
	f.Kill()
	var failure *FunctionError
	if err := <-failed; !errors.As(err, &failure) && !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want a function error", err)
	}
}

func TestAnIdleEnvironmentKilledFromOutsideIsReplaced(t *testing.T) {
	f := newFunction(t, nil)
	call(t, f, `{}`)
	eventually(t, "the environment rests", func() bool { return frozen(f) })
	syscall.Kill(f.Environments()[0].PID, syscall.SIGKILL)
	eventually(t, "the environment is gone", func() bool { return len(f.Environments()) == 0 })
	if got := call(t, f, `{}`); got.Call != 1 {
		t.Fatalf("call %d of a killed process", got.Call)
	}
}

func TestCallsInARowVisitTheWholeFleet(t *testing.T) {
	f := newFunction(t, nil)
	if err := f.Warm(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		call(t, f, `{}`)
	}
	for _, e := range f.Environments() {
		if e.Invocations != 1 {
			t.Errorf("environment %s served %d calls, want 1", e.ID, e.Invocations)
		}
	}
}

func TestACallerWhoLeavesDoesNotEndTheInvocation(t *testing.T) {
	book := &logbook{}
	f := newFunction(t, func(c *Config) { c.Log = book.add })
	if err := f.Warm(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := f.Invoke(ctx, []byte(`{"sleep_ms":300}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the context's error", err)
	}
	eventually(t, "the environment rests", func() bool { return frozen(f) })
	if got := call(t, f, `{}`); got.Call != 2 {
		t.Errorf("next call is number %d of its process, want 2", got.Call)
	}
}

func TestCloseLeavesNoProcess(t *testing.T) {
	f := newFunction(t, nil)
	if err := f.Warm(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	alive := f.Environments()
	f.Close()
	for _, e := range alive {
		if err := syscall.Kill(e.PID, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", e.PID, err)
		}
	}
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, ErrClosed) {
		t.Errorf("call after Close: %v, want ErrClosed", err)
	}
}

func TestARequestOver6MBDoesNotReachTheFunction(t *testing.T) {
	f := newFunction(t, nil)
	if _, err := f.Invoke(t.Context(), make([]byte, maxPayload+1)); !errors.Is(err, ErrPayloadTooLarge) {
		t.Errorf("got %v", err)
	}
	if n := len(f.Environments()); n != 0 {
		t.Errorf("%d environments started", n)
	}
}
