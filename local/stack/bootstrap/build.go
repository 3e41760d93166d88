// Package bootstrap compiles functions as they are deployed.
package bootstrap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Build compiles the function in the folder source for this machine into the
// file target, with the flags of the Makefile's deployment packages.
func Build(ctx context.Context, source, target string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags", "-s -w -buildid=", "-o", target, ".")
	command.Dir = source
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	// An interrupted compiler tidies up after itself, a killed one does not.
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGINT) }
	command.WaitDelay = 10 * time.Second
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", source, err, out)
	}
	return nil
}
