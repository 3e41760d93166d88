package guard

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed is what of hystrix-go may be used.
var allowed = []string{
	"CommandConfig", "ConfigureCommand", "DoC", "ErrMaxConcurrency", "ErrTimeout",
	"GetCircuit", "GetCircuitSettings", "GoC", "Settings",
}

// checkUse returns an error if the source uses hystrix-go outside the one file
// that may, or something that is not allowed.
func checkUse(path string, source any) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	imports := slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool {
		imported, _ := strconv.Unquote(i.Path.Value)
		return strings.HasPrefix(imported, "github.com/afex/hystrix-go")
	})
	if !imports {
		return nil
	}
	if !strings.HasSuffix(filepath.ToSlash(path), "guard/hystrix.go") {
		return fmt.Errorf("%s imports hystrix-go", path)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			pkg, _ := s.X.(*ast.Ident)
			if pkg != nil && pkg.Name == "hystrix" && !slices.Contains(allowed, s.Sel.Name) {
				err = fmt.Errorf("%s uses hystrix.%s", path, s.Sel.Name)
			}
		}
		return err == nil
	})
	return err
}

// The module local is not deployed; its benchmarks compare with hystrix-go.
func TestHystrixIsUsedInOneFile(t *testing.T) {
	seen := false
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "testdata" || path == filepath.Join("..", "..", "local") || strings.HasPrefix(entry.Name(), ".") && entry.Name() != "..") {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		seen = seen || strings.HasSuffix(filepath.ToSlash(abs), "internal/guard/hystrix.go")
		return checkUse(abs, nil)
	})
	if err != nil {
		t.Error(err)
	}
	if !seen {
		t.Error("did not find this package: the walk proves nothing")
	}
}
