package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// build compiles the functions as they are deployed, but for this machine's
// processor, into a folder per function below dir. It gives each bootstrap's
// path by the function's CodeUri.
func build(ctx context.Context, root, dir string, codeURIs []string, progress func(string, ...any)) (map[string]string, error) {
	var (
		wg         sync.WaitGroup
		mu         sync.Mutex
		failed     error
		bootstraps = map[string]string{}
	)
	for _, uri := range codeURIs {
		bootstrap := filepath.Join(dir, uri, "bootstrap")
		bootstraps[uri] = bootstrap
		wg.Go(func() {
			start := time.Now()
			progress("building %s …", uri)
			err := buildOne(ctx, root, uri, bootstrap)
			if err == nil {
				progress("built %s in %.1f s", uri, time.Since(start).Seconds())
				return
			}
			mu.Lock()
			defer mu.Unlock()
			failed = err
		})
	}
	wg.Wait()
	return bootstraps, failed
}

func buildOne(ctx context.Context, root, uri, bootstrap string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags", "-s -w -buildid=", "-o", bootstrap, "./"+filepath.ToSlash(uri))
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	// An interrupted compiler tidies up after itself, a killed one does not.
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGINT) }
	command.WaitDelay = 10 * time.Second
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", uri, err, out)
	}
	return nil
}
