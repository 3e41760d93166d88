package stack

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/local/stack/bootstrap"
)

// build compiles the functions as they are deployed, but for this machine's
// processor, into a folder per function below dir. It returns each
// bootstrap's path by the function's CodeUri.
func build(ctx context.Context, root, dir string, codeURIs []string, progress func(string, ...any)) (map[string]string, error) {
	var (
		wg         sync.WaitGroup
		mu         sync.Mutex
		failed     error
		bootstraps = map[string]string{}
	)
	for _, uri := range codeURIs {
		target := filepath.Join(dir, uri, "bootstrap")
		bootstraps[uri] = target
		wg.Go(func() {
			start := time.Now()
			progress("building %s …", uri)
			err := bootstrap.Build(ctx, filepath.Join(root, uri), target)
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
