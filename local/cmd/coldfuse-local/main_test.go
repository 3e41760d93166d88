package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/wait"
)

// output collects what a process prints while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func buildCommand(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "coldfuse-local")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// start runs the command with a folder of its own for temporary files, which
// nothing but kill -9 may leave behind.
func start(t *testing.T, binary string, flags ...string) (*exec.Cmd, *output) {
	t.Helper()
	out := &output{}
	anywhere := []string{"run", "-listen", "", "-admin", "", "-jira", "", "-confluence", "", "-log", filepath.Join(t.TempDir(), "log")}
	command := exec.Command(binary, append(anywhere, flags...)...)
	command.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	command.Stdout, command.Stderr = out, out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	return command, out
}

func eventually(t *testing.T, out *output, what string, holds func() bool) {
	t.Helper()
	const mistake = "coldfuse-local: " // what main says before it ends
	failed := func() bool { return strings.Contains(out.String(), mistake) }
	err := wait.For(t.Context(), 2*time.Minute, what, func() bool { return holds() || failed() })
	if err != nil || failed() {
		t.Fatalf("not so: %s: %v\n%s", what, err, out)
	}
}

// descendants lists the processes below one, itself not included.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	table, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		t.Fatal(err)
	}
	children := map[int][]int{}
	for line := range strings.Lines(string(table)) {
		var child, parent int
		if _, err := fmt.Sscan(line, &child, &parent); err != nil {
			t.Fatal(err)
		}
		children[parent] = append(children[parent], child)
	}
	var found []int
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		found = append(found, children[next[0]]...)
		next = append(next, children[next[0]]...)
	}
	return found
}

func alive(pids []int) bool {
	for _, pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			return true
		}
	}
	return false
}

func wantNoStackFiles(t *testing.T, command *exec.Cmd) {
	t.Helper()
	for _, variable := range command.Env {
		dir, ok := strings.CutPrefix(variable, "TMPDIR=")
		if left, _ := filepath.Glob(filepath.Join(dir, "coldfuse-*")); ok && len(left) > 0 {
			t.Errorf("files left: %v", left)
		}
	}
}

func TestNoProcessIsLeftBehind(t *testing.T) {
	binary := buildCommand(t)
	const running, building = "Ctrl-C stops", "building"
	cases := []struct {
		rule   string
		after  string // what it prints before the signal
		signal syscall.Signal
	}{
		{"by Ctrl-C", running, syscall.SIGINT},
		{"by a termination", running, syscall.SIGTERM},
		{"by kill -9", running, syscall.SIGKILL},
		{"by Ctrl-C while it builds", building, syscall.SIGINT},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			command, out := start(t, binary)
			eventually(t, out, "it prints "+c.after, func() bool { return strings.Contains(out.String(), c.after) })
			below := descendants(t, command.Process.Pid)
			if c.after == running && len(below) < 6 { // two stores and an environment of each function
				t.Errorf("processes %v, want six at least", below)
			}
			if err := command.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			command.Wait()
			eventually(t, out, "every process is gone", func() bool { return !alive(below) })
			if c.signal != syscall.SIGKILL {
				wantNoStackFiles(t, command)
			}
		})
	}
}

func TestMistakesGetOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cases := []struct {
		rule string
		args []string
		want string
	}{
		{"a command is needed", nil, "want run or demo"},
		{"it must be known", []string{"rn"}, `"rn" is unknown: want run or demo`},
		{"a port must be free", []string{"run", "-listen", taken.Addr().String()}, taken.Addr().String() + " is in use"},
		{"a parameter has a value", []string{"run", "-parameter", "Stage"}, "want Name=value"},
		{"a parameter is declared", []string{"run", "-listen", "", "-admin", "", "-jira", "", "-confluence", "", "-parameter", "Stge=dev"}, "parameter Stge is not declared"},
		{"a template's rule holds", []string{"run", "-listen", "", "-admin", "", "-jira", "", "-confluence", "", "-parameter", "Stage=prod"}, "AuthMode none is not for prod"},
		{"a mode of access is known", []string{"run", "-listen", "", "-admin", "", "-jira", "", "-confluence", "", "-auth", "basic"}, `parameter AuthMode: "basic": want one of iam, jwt, none`},
		{"a host to bind is one", []string{"run", "-bind", "0.0.0.0"}, "bind 0.0.0.0: want one address of this machine"},
		{"an issuer is the stack's own", []string{"run", "-listen", "", "-admin", "", "-jira", "", "-confluence", "", "-auth", "jwt", "-parameter", "JwtIssuer=https://example.com"}, "nobody here has the keys of the issuer https://example.com"},
		{"there is nothing more to say", []string{"run", "now"}, `"now" is one argument too many`},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			var out bytes.Buffer
			err := command(t.Context(), c.args, &out)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
