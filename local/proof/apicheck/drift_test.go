package apicheck

import (
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse"
	"github.com/coldfuse/coldfuse/local/stack/template"
)

// project reads the template that is deployed. Where something has to be given
// it is x, but for addresses.
func project(t *testing.T, auth string) *template.Template {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := template.Parse(src, template.Options{Parameters: map[string]string{
		"AuthMode": auth, "MonitoringAccess": auth, "JwtIssuer": "https://issuer", "JwtAudience": "x",
		"JiraBaseUrl": "https://site", "JiraSecretArn": "x",
		"ConfluenceBaseUrl": "https://site", "ConfluenceSecretArn": "x", "MongodbSecretArn": "x",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// described returns "GET /path" for each operation, sorted.
func (c *Checker) described() []string {
	var routes []string
	for path, item := range c.doc.Paths.Map() {
		for method := range item.Operations() {
			routes = append(routes, method+" "+path)
		}
	}
	slices.Sort(routes)
	return routes
}

func TestTheTemplatesRoutesAreDescribed(t *testing.T) {
	var routes []string
	for _, route := range project(t, "iam").Routes {
		routes = append(routes, route.Method+" "+route.Path)
	}
	slices.Sort(routes)
	wantSame(t, "template.yaml", routes, load(t).described())
}

// A handler's patterns are literals, so that its source tells all of them.
func TestTheHandlersRoutesAreDescribed(t *testing.T) {
	pattern := regexp.MustCompile(`"((?:GET|POST|PUT|PATCH|DELETE) /api/[^"]*)":`)
	var routes []string
	for _, found := range pattern.FindAllStringSubmatch(sources(t), -1) {
		routes = append(routes, found[1])
	}
	slices.Sort(routes)
	wantSame(t, "internal", routes, load(t).described())
}

// sources is all code in internal but for tests.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		src, err := os.ReadFile(path)
		all.Write(src)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func wantSame(t *testing.T, where string, got, described []string) {
	t.Helper()
	for _, route := range got {
		if !slices.Contains(described, route) {
			t.Errorf("%s: %s is not described", where, route)
		}
	}
	for _, route := range described {
		if !slices.Contains(got, route) {
			t.Errorf("%s: %s is described and not there", where, route)
		}
	}
	if len(slices.Compact(slices.Clone(got))) < len(got) {
		t.Errorf("%s: a route appears twice", where)
	}
}

// Each function serves the routes that lead to it and no others. The requests lack
// what they need and fail: all that counts is that the function knows the route.
func TestFunctionsServeTheRoutesThatLeadToThem(t *testing.T) {
	declared := project(t, "iam")
	functions := handlers()
	for _, f := range declared.Functions {
		if functions[f.ID] == nil {
			t.Errorf("%s has no handler in this test", f.ID)
		}
	}
	for _, route := range declared.Routes {
		for _, id := range slices.Sorted(maps.Keys(functions)) {
			w := httptest.NewRecorder()
			path := strings.NewReplacer("{", "", "}", "").Replace(route.Path)
			functions[id].ServeHTTP(w, httptest.NewRequest(route.Method, path+"?unknown=1", nil))
			unknown := w.Code == http.StatusMethodNotAllowed || strings.Contains(w.Body.String(), "there is nothing at this path")
			if unknown == (id == route.Function) {
				t.Errorf("%s answers %s %s: %d %s", id, route.Method, route.Path, w.Code, w.Body)
			}
		}
	}
}

// What needs no credentials by the description needs none by the template, and
// the other way round.
func TestOpenRoutesAreDescribedAsOpen(t *testing.T) {
	checker := load(t)
	for _, auth := range []string{"iam", "jwt"} {
		for _, route := range project(t, auth).Routes {
			security := checker.doc.Paths.Value(route.Path).GetOperation(route.Method).Security
			open := security != nil && len(*security) == 0
			if open != (route.Access == "") {
				t.Errorf("%s: %s %s has access %q, described as open: %t", auth, route.Method, route.Path, route.Access, open)
			}
		}
	}
}

// Types that are answered and not described fail Check wherever a test sees
// them; this is the other half.
func TestDescribedProblemTypesExist(t *testing.T) {
	src := sources(t)
	for _, value := range load(t).doc.Components.Schemas["Problem"].Value.Properties["type"].Value.Enum {
		name := strings.TrimPrefix(value.(string), "urn:coldfuse:problem:")
		if !strings.Contains(src, `"`+name+`"`) {
			t.Errorf("no problem has the type %q", name)
		}
	}
}

func TestTheServedDescriptionIsTheFile(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handlers()["ResilienceFunction"].ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/openapi.yaml", nil))
	if w.Body.String() != string(file) || coldfuse.OpenAPI() != string(file) {
		t.Error("what is served differs from openapi.yaml")
	}
}
