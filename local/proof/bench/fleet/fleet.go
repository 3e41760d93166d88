package fleet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"

	"github.com/coldfuse/coldfuse/internal/testserver/child"
)

// Fleet is a number of members that run. It is safe for concurrent use.
type Fleet struct {
	members []*member

	mu    sync.Mutex
	calls map[string][]Call // that have ended, by circuit
}

// member is one environment's process.
type member struct {
	name    string
	command *exec.Cmd
	exited  <-chan struct{}

	mu      sync.Mutex
	lines   io.WriteCloser
	pending map[string]int // calls that have not ended, by circuit
}

// Start runs size members of the binary at path. Their circuits are read
// before it returns.
func Start(path string, size int, c Config, env []string) (*Fleet, error) {
	f := &Fleet{calls: map[string][]Call{}}
	for i := range size {
		c.Member = fmt.Sprintf("member-%d", i)
		if err := f.add(path, c, env); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

func (f *Fleet) add(path string, c Config, env []string) error {
	config, err := json.Marshal(c)
	if err != nil {
		return err
	}
	m := &member{name: c.Member, command: exec.Command(path), pending: map[string]int{}}
	m.command.Env = append(slices.Clone(env), ConfigVariable+"="+string(config))
	m.command.Stderr = os.Stderr
	if m.lines, err = m.command.StdinPipe(); err != nil {
		return err
	}
	out, err := m.command.StdoutPipe()
	if err != nil {
		return err
	}
	if m.exited, err = child.Start(m.command, nil); err != nil {
		return fmt.Errorf("start %s: %w", c.Member, err)
	}
	f.members = append(f.members, m)
	read := bufio.NewScanner(out)
	if !read.Scan() { // that it is ready
		return fmt.Errorf("%s ended before it was ready", c.Member)
	}
	go f.collect(m, read)
	return nil
}

// collect keeps a member's calls until it ends.
func (f *Fleet) collect(m *member, read *bufio.Scanner) {
	for read.Scan() {
		var c Call
		if json.Unmarshal(read.Bytes(), &c) != nil {
			continue // the last line of one that was killed
		}
		m.ended(c.Circuit)
		f.mu.Lock()
		f.calls[c.Circuit] = append(f.calls[c.Circuit], c)
		f.mu.Unlock()
	}
}

// Call has a random member make a call, one that has none of the circuit under
// way if there is any: an environment serves one call at a time.
func (f *Fleet) Call(circuit string, random *rand.Rand) {
	free := slices.DeleteFunc(slices.Clone(f.members), func(m *member) bool { return !m.free(circuit) })
	if len(free) == 0 {
		free = f.members
	}
	free[random.IntN(len(free))].call(circuit)
}

// CallAll has all members make a call at once.
func (f *Fleet) CallAll(circuit string) {
	for _, m := range f.members {
		m.call(circuit)
	}
}

// free reports whether the member could begin a call at once. One that was killed
// in a call never is.
func (m *member) free(circuit string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pending[circuit] == 0
}

func (m *member) ended(circuit string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending[circuit]--
}

// call is lost on a member that is dead, as its caller's would be.
func (m *member) call(circuit string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending[circuit]++
	_, _ = io.WriteString(m.lines, circuit+"\n")
}

// Calls are those of a circuit that have ended and meet the condition.
func (f *Fleet) Calls(circuit string, want func(Call) bool) (calls []Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls[circuit] {
		if want(c) {
			calls = append(calls, c)
		}
	}
	return calls
}

// Kill ends a member with SIGKILL.
func (f *Fleet) Kill(name string) {
	for _, m := range f.members {
		if m.name == name {
			m.kill()
		}
	}
}

func (m *member) kill() {
	select {
	case <-m.exited:
	default:
		_ = m.command.Process.Signal(syscall.SIGKILL)
	}
	<-m.exited
}

// Close kills all members.
func (f *Fleet) Close() {
	for _, m := range f.members {
		m.kill()
	}
}
