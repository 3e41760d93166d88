package child

import "syscall"

// attributes returns attributes that make the kernel kill the process when this
// one dies: a frozen orphan would stay forever.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
