package stack

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/coldfuse/coldfuse/local/httpapi"
	"github.com/coldfuse/coldfuse/local/lambda"
	"github.com/coldfuse/coldfuse/local/template"
)

// What stands for an account: the stand-ins look at neither.
const (
	region     = "us-east-1"
	credential = "local"
)

// startFunctions makes the functions of the template from their bootstraps.
func (s *Stack) startFunctions(t *template.Template, bootstraps map[string]string) error {
	for _, declared := range t.Functions {
		function, err := lambda.New(lambda.Config{
			Name:        declared.ID,
			Bootstrap:   bootstraps[declared.CodeURI],
			Env:         s.environment(declared),
			Timeout:     declared.Timeout,
			MemoryMB:    declared.MemoryMB,
			Concurrency: concurrency(declared.Reserved),
			Log:         s.Log.add,
		})
		if err != nil {
			return err
		}
		s.Functions[declared.ID] = function
		s.atClose(function.Close)
	}
	return nil
}

// concurrency turns the template's reservation, in which 0 is the kill switch
// and -1 is none, into lambda.Config's.
func concurrency(reserved int) int {
	switch reserved {
	case -1:
		return lambda.DefaultConcurrency
	case 0:
		return -1
	default:
		return reserved
	}
}

// environment is what the template gives the function, and before it what
// Lambda would add: region and credentials, and where the stand-ins are.
func (s *Stack) environment(f template.Function) []string {
	env := []string{
		"AWS_REGION=" + region,
		"AWS_DEFAULT_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + credential,
		"AWS_SECRET_ACCESS_KEY=" + credential,
		"AWS_ENDPOINT_URL_DYNAMODB=" + s.Store.Endpoint(),
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=" + s.secretsURL,
	}
	for _, name := range slices.Sorted(maps.Keys(f.Environment)) {
		env = append(env, name+"="+f.Environment[name])
	}
	return env
}

// newAPI makes the HTTP API of the template in front of the functions.
func (s *Stack) newAPI(t *template.Template) (*httpapi.API, error) {
	c := httpapi.Config{Throttle: httpapi.Throttle(t.Throttle)}
	for _, declared := range t.Routes {
		route := httpapi.Route{
			Method:  declared.Method,
			Path:    declared.Path,
			Access:  httpapi.Access(declared.Access),
			Timeout: declared.Timeout,
			Target:  s.Functions[declared.Function],
		}
		if declared.Throttle != nil {
			throttle := httpapi.Throttle(*declared.Throttle)
			route.Throttle = &throttle
		}
		c.Routes = append(c.Routes, route)
	}
	return httpapi.New(c)
}

// warm starts n environments of each function.
func (s *Stack) warm(ctx context.Context, n int) error {
	for _, name := range slices.Sorted(maps.Keys(s.Functions)) {
		if err := s.Functions[name].Warm(ctx, n); err != nil {
			return fmt.Errorf("%w; its last words: %s", err, s.lastWords(name))
		}
	}
	return nil
}

// lastWords is the newest line that a function wrote itself.
func (s *Stack) lastWords(function string) string {
	words := "none"
	for _, line := range s.Log.Lines() {
		if line.Function == function && !strings.HasPrefix(line.Text, "environment ended") {
			words = line.Text
		}
	}
	return words
}
