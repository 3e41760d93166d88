package jvm

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// maven stands in for Maven. It fills its folder slowly enough for others to find
// it half full, if they read that folder.
const maven = `#!/bin/sh
for argument; do
	case $argument in -DoutputDirectory=*) dir=${argument#*=} ;; esac
done
touch "$dir/first.jar"
sleep 0.1
touch "$dir/last.jar"
`

func TestFetchesAtTheSameTimeShareOneWholeLibrary(t *testing.T) {
	root := newRepository(t, maven)
	var fetches sync.WaitGroup
	for range 8 {
		fetches.Go(func() {
			lib, err := testProgram.library(context.Background(), nil)
			if err != nil || lib != filepath.Join(root, "lib") {
				t.Errorf("%q, %v", lib, err)
				return
			}
			if _, err := os.Stat(filepath.Join(lib, "last.jar")); err != nil {
				t.Errorf("not whole: %v", err)
			}
		})
	}
	fetches.Wait()
	if left, _ := filepath.Glob(filepath.Join(root, "lib-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAFetchIsLoggedOnce(t *testing.T) {
	newRepository(t, maven)
	var progress strings.Builder
	for range 2 {
		if _, err := testProgram.library(context.Background(), &progress); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Count(progress.String(), "\n"); lines != 1 {
		t.Errorf("progress %q", progress.String())
	}
}

func TestFailedFetchLeavesNoLibrary(t *testing.T) {
	root := newRepository(t, "#!/bin/sh\necho no network\nexit 1\n")
	if _, err := testProgram.library(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "no network") {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "lib*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// newRepository makes a repository with its own Maven and changes into it.
func newRepository(t *testing.T, mvn string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "local", "test")
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if mvn != "" {
		executable(t, filepath.Join(bin, "mvn"), mvn)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Chdir(dir)
	return dir
}

func executable(t *testing.T, path, script string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}
