package guard

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
)

// allowed lists the names of hystrix-go that may be used.
var allowed = []string{
	"CommandConfig", "ConfigureCommand", "DoC", "ErrMaxConcurrency", "ErrTimeout",
	"GetCircuit", "GetCircuitSettings", "GoC", "Settings",
}

// checkUse returns an error if the source uses something of hystrix-go that is
// not allowed. That no other file imports it is a rule of internal/house.
func checkUse(path string, source any) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		return err
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
