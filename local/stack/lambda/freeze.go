package lambda

import "syscall"

func (e *environment) freeze() {
	e.mu.Lock()
	e.state, e.current = "frozen", nil
	e.mu.Unlock()
	e.signal(syscall.SIGSTOP)
}

func (e *environment) thaw() { e.signal(syscall.SIGCONT) }
