package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/coldfuse/coldfuse/"

// rule says what packages must not import, directly or through others. Paths of
// this project are relative to the module; "/..." stands for a folder and all
// below it.
type rule struct {
	from, except []string // these packages
	not          []string // must not import these
	because      string
}

var (
	deployed = []string{"functions/...", "internal/...", "pkg/...", "cmd/..."}
	features = []string{"internal/jira/...", "internal/confluence/...", "internal/session/...", "internal/resilience/..."}
	forTests = []string{"internal/testserver/...", "internal/atlassian/sitetest", "internal/idempotency/memstore", "pkg/breaker/storetest"}
	hystrix  = []string{"github.com/afex/hystrix-go/..."}
	awsSDK   = []string{"github.com/aws/..."}
)

var rules = []rule{
	{deployed, nil, []string{"local/..."}, "nothing of the local system is deployed"},
	{[]string{"functions/...", "cmd/..."}, nil, forTests, "nothing for tests is deployed"},
	{[]string{"internal/...", "pkg/..."}, nil, []string{"functions/...", "cmd/..."}, "arrows point down"},
	{[]string{"pkg/..."}, nil, []string{"internal/..."}, "pkg is for everyone"},
	{[]string{"pkg/..."}, nil, hystrix, "the circuit is ours"},
	{[]string{"pkg/breaker", "pkg/breaker/memstore", "pkg/breaker/storetest", "pkg/retry"}, nil, awsSDK, "a store is chosen by who uses the breaker"},
	{[]string{"pkg/breaker/..."}, nil, []string{"pkg/retry"}, "each is of use without the other"},
	{[]string{"pkg/retry"}, nil, []string{"pkg/breaker/..."}, "each is of use without the other"},
	{[]string{"internal/guard"}, nil, []string{"internal/..."}, "the guard is below everything internal"},
	{[]string{"internal/gateway"}, nil, []string{"internal/guard", "pkg/breaker/..."}, "the HTTP adapter knows nothing of circuits"},
	{[]string{"internal/..."}, features, features, "a feature is imported by functions alone"},
	{[]string{"local/sim/..."}, nil, []string{"local/stack/...", "local/proof/..."}, "a simulator runs alone"},
	{[]string{"local/stack/..."}, nil, []string{"local/proof/..."}, "the local system runs without its proof"},
	{[]string{"local/stack/...", "local/sim/...", "local/proof/..."}, nil, []string{"local/cmd/..."}, "arrows point down"},
}

// allRules returns the rules above, and that no feature imports another.
func allRules() []rule {
	all := slices.Clone(rules)
	for i, feature := range features {
		others := slices.Delete(slices.Clone(features), i, i+1)
		all = append(all, rule{[]string{feature}, nil, others, "a feature never imports another"})
	}
	return all
}

// breach returns the first import of a package against the rule, or "".
func (r rule) breach(name string, imports []string) string {
	if !matches(r.from, name) || matches(r.except, name) {
		return ""
	}
	for _, path := range imports {
		if path != name && matches(r.not, path) {
			return fmt.Sprintf("%s imports %s: %s", name, path, r.because)
		}
	}
	return ""
}

func matches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		folder, tree := strings.CutSuffix(pattern, "/...")
		return path == folder || tree && strings.HasPrefix(path, folder+"/")
	})
}

// dependencies returns, for every package of the module in a directory, what it
// imports without its tests, directly and through others. Packages of the
// standard library are left out.
func dependencies(t *testing.T, directory string) map[string][]string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Deps", "./...")
	command.Dir = filepath.Join(root, directory)
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Deps       []string
		}
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if name, ours := strings.CutPrefix(p.ImportPath, module); ours {
			all[name] = relative(p.Deps)
		}
	}
}

// relative returns the paths as rules have them.
func relative(paths []string) []string {
	var short []string
	for _, path := range paths {
		host, _, _ := strings.Cut(path, "/")
		if strings.Contains(host, ".") { // the standard library has no host
			short = append(short, strings.TrimPrefix(path, module))
		}
	}
	return short
}

func TestImportsPointDown(t *testing.T) {
	for _, directory := range []string{".", "local"} {
		all := dependencies(t, directory)
		if len(all) < 20 {
			t.Errorf("only %d packages in %s", len(all), directory)
		}
		for _, r := range allRules() {
			for name, imports := range all {
				if found := r.breach(name, imports); found != "" {
					t.Error(found)
				}
			}
		}
	}
}

func TestEveryRuleIsOfPackagesThatExist(t *testing.T) {
	all := dependencies(t, ".")
	for name := range dependencies(t, "local") {
		all[name] = nil
	}
	for _, r := range allRules() {
		for _, pattern := range slices.Concat(r.from, r.except) {
			exists := false
			for name := range all {
				exists = exists || matches([]string{pattern}, name)
			}
			if !exists {
				t.Errorf("no package is %s (%s)", pattern, r.because)
			}
		}
	}
}

func TestABreachIsFound(t *testing.T) {
	for _, c := range []struct{ name, imports, want string }{
		{"internal/jira", "internal/confluence", "a feature never imports another"},
		{"internal/confluence/markdown", "internal/jira", "a feature never imports another"},
		{"internal/confluence", "internal/confluence/markdown", ""},
		{"internal/atlassian", "internal/jira", "a feature is imported by functions alone"},
		{"functions/jira", "internal/jira", ""},
		{"functions/jira", "internal/testserver/jvm", "nothing for tests is deployed"},
		{"internal/guard", "local/stack", "nothing of the local system is deployed"},
		{"internal/guard", "pkg/breaker", ""},
		{"pkg/breaker/memstore", "internal/guard", "pkg is for everyone"},
		{"pkg/breaker", "github.com/aws/aws-sdk-go-v2/aws", "a store is chosen by who uses the breaker"},
		{"pkg/breaker/dynamostore", "github.com/aws/aws-sdk-go-v2/aws", ""},
		{"internal/gateway", "internal/guard", "the HTTP adapter knows nothing of circuits"},
		{"internal/gateway", "pkg/breaker", "the HTTP adapter knows nothing of circuits"},
		{"local/stack", "local/proof/bench", "the local system runs without its proof"},
		{"local/sim/jirasim", "local/stack", "a simulator runs alone"},
		{"local/proof/bench", "local/stack", ""},
	} {
		var found []string
		for _, r := range allRules() {
			if breach := r.breach(c.name, relative([]string{module + c.imports, c.imports})); breach != "" {
				found = append(found, breach)
			}
		}
		if c.want == "" && found != nil || c.want != "" && !strings.Contains(strings.Join(found, "\n"), c.want) {
			t.Errorf("%s imports %s: found %q, want %q", c.name, c.imports, found, c.want)
		}
	}
}

// What is pure in pkg/breaker, that is, does no I/O, reads no clock, draws no
// random number and starts no goroutine: these files as a whole, and every
// method of these types.
var (
	pureFiles = []string{"machine.go", "record.go"}
	pureTypes = []string{"machine", "node", "call", "Record"}
)

// pureUses are the packages that pure code uses, with the names where not all
// of them are pure.
var pureUses = map[string][]string{
	"cmp": nil, "errors": nil, "fmt": {"Errorf", "Sprintf"}, "math": nil, "slices": nil, "strconv": nil, "strings": nil,
	"time": {"Duration", "Time", "UnixMilli", "Hour", "Minute", "Second", "Millisecond", "Nanosecond"},
}

// checkPure returns the number of pure methods in a file, and an error if one
// of them, or a file that is pure as a whole, does what is not pure.
func checkPure(path string, source any) (methods int, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		return 0, err
	}
	imported := map[string]string{} // path by name
	for _, i := range file.Imports {
		full, _ := strconv.Unquote(i.Path.Value)
		name := full[strings.LastIndex(full, "/")+1:]
		if name == "v2" { // math/rand/v2
			name = "rand"
		}
		if i.Name != nil {
			name = i.Name.Name
		}
		imported[name] = full
	}
	whole := slices.Contains(pureFiles, filepath.Base(path))
	for _, d := range file.Decls {
		method, isMethod := d.(*ast.FuncDecl)
		isMethod = isMethod && slices.Contains(pureTypes, receiver(method))
		if isMethod {
			methods++
		}
		if isMethod || whole {
			err = errors.Join(err, impure(d, path, imported))
		}
	}
	return methods, err
}

// receiver returns the name of a method's type, or "".
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	kind := f.Recv.List[0].Type
	if pointer, ok := kind.(*ast.StarExpr); ok {
		kind = pointer.X
	}
	name, _ := kind.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name
}

// impure returns an error that names what a declaration does that is not pure.
func impure(d ast.Decl, path string, imported map[string]string) (err error) {
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt, *ast.SendStmt, *ast.SelectStmt:
			err = errors.Join(err, fmt.Errorf("%s uses goroutines", path))
		case *ast.SelectorExpr:
			name, ok := n.X.(*ast.Ident)
			if !ok || imported[name.Name] == "" {
				break
			}
			names, allowed := pureUses[imported[name.Name]]
			if !allowed || names != nil && !slices.Contains(names, n.Sel.Name) {
				err = errors.Join(err, fmt.Errorf("%s uses %s.%s", path, name.Name, n.Sel.Name))
			}
		}
		return true
	})
	return err
}

func TestTheRulesOfACircuitArePure(t *testing.T) {
	all := 0
	for _, path := range files(t, ".go") {
		folder, name := filepath.Split(path)
		if folder != "pkg/breaker/" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		methods, err := checkPure(filepath.Join(root, path), nil)
		if err != nil {
			t.Error(err)
		}
		all += methods
	}
	if all < 60 {
		t.Errorf("only %d methods of %s: the names have changed", all, strings.Join(pureTypes, ", "))
	}
}

func TestWhatIsNotPureIsFound(t *testing.T) {
	for _, c := range []struct{ file, source, want string }{
		{"machine.go", `import "os"; func f() { os.Exit(1) }`, "uses os.Exit"},
		{"machine.go", `import "math/rand/v2"; var x = rand.Int()`, "uses rand.Int"},
		{"machine.go", `import "time"; var now = time.Now`, "uses time.Now"},
		{"machine.go", `import "time"; const second time.Duration = 1`, ""},
		{"machine.go", `import ("math"; "slices"); var x = math.Pow(2, 10)`, ""},
		{"breaker.go", `import "time"; func (b *Breaker) f() { time.Sleep(1) }`, ""},
		{"breaker.go", `import "time"; func (n *node) f() { time.Sleep(1) }`, "uses time.Sleep"},
		{"breaker.go", `import "context"; func (m machine) f(ctx context.Context) {}`, "uses context.Context"},
		{"breaker.go", `func (c *call) f() { go c.f() }`, "uses goroutines"},
		{"breaker.go", `func (r Record) f(time clock) { time.Now() }`, ""},
	} {
		_, err := checkPure(c.file, "package p; "+c.source)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: got %v, want %q", c.file, c.source, err, c.want)
		}
	}
}

// hystrixFile is the one deployed file that imports hystrix-go: see decision
// 006. The module local compares with it in benchmarks.
const hystrixFile = "internal/guard/hystrix.go"

// checkHystrix returns an error if another file imports hystrix-go.
func checkHystrix(path string, source any) error {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), source, parser.ImportsOnly)
	if err != nil {
		return err
	}
	for _, i := range file.Imports {
		if imported, _ := strconv.Unquote(i.Path.Value); matches(hystrix, imported) && path != hystrixFile {
			return fmt.Errorf("%s imports hystrix-go", path)
		}
	}
	return nil
}

func TestHystrixIsUsedInOneFile(t *testing.T) {
	paths := files(t, ".go")
	if !slices.Contains(paths, hystrixFile) {
		t.Errorf("%s is not there: this test proves nothing", hystrixFile)
	}
	for _, path := range paths {
		if strings.HasPrefix(path, "local/") || strings.HasSuffix(path, "_test.go") {
			continue
		}
		if err := checkHystrix(path, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestAnotherImportOfHystrixIsFound(t *testing.T) {
	const source = "package p\nimport _ \"github.com/afex/hystrix-go/hystrix\"\n"
	if err := checkHystrix("internal/jira/client.go", source); err == nil {
		t.Error("found nothing")
	}
	if err := checkHystrix(hystrixFile, source); err != nil {
		t.Error(err)
	}
}
