package house

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// files returns the repository's files with one of the extensions, relative to
// the root. What is fetched, built or made for a test is left out.
func files(t *testing.T, extensions ...string) []string {
	t.Helper()
	skipped := []string{".git", ".cache", ".aws-sam", "build", "lib", "testdata"}
	var paths []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(skipped, entry.Name()):
			return fs.SkipDir
		case entry.Type().IsRegular() && slices.Contains(extensions, filepath.Ext(path)):
			paths = append(paths, filepath.ToSlash(strings.TrimPrefix(path, root+"/")))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 10 {
		t.Fatalf("only %d files: the walk misses the repository", len(paths))
	}
	return paths
}
