//go:build !linux

package jvm

import "syscall"

// dieWithParent can ask nothing of other systems: there the server ends with
// Close, or with the terminal's interrupt.
func dieWithParent() *syscall.SysProcAttr { return nil }
