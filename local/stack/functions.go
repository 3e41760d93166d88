package stack

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/coldfuse/coldfuse/local/stack/httpapi"
	"github.com/coldfuse/coldfuse/local/stack/lambda"
	"github.com/coldfuse/coldfuse/local/stack/template"
)

// What stands for an account: the stand-ins look at neither.
const (
	region     = "us-east-1"
	credential = "local"
)

// startFunctions makes the functions of the template from their bootstraps.
func (s *Stack) startFunctions(bootstraps map[string]string) error {
	for _, declared := range s.declared.Functions {
		function, err := lambda.New(lambda.Config{
			Name:        declared.ID,
			Bootstrap:   bootstraps[declared.CodeURI],
			Env:         s.lambdaEnvironment(declared),
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
// and -1 means no reservation, into lambda.Config's.
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

// environment returns the function's variables of the template, and the addresses
// of the stand-ins.
func (s *Stack) environment(f template.Function) map[string]string {
	env := map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB":        s.Store.Endpoint(),
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": s.secretsURL,
	}
	for _, product := range s.products {
		if url := product.tokenURL(f); url != "" {
			env["ATLASSIAN_TOKEN_URL"] = url
		}
	}
	maps.Copy(env, f.Environment)
	return env
}

// lambdaEnvironment is that, and before it what Lambda itself adds: region and
// credentials.
func (s *Stack) lambdaEnvironment(f template.Function) []string {
	env := []string{
		"AWS_REGION=" + region,
		"AWS_DEFAULT_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + credential,
		"AWS_SECRET_ACCESS_KEY=" + credential,
	}
	for name, value := range s.environment(f) {
		env = append(env, name+"="+value)
	}
	return env
}

// newAPI makes the HTTP API of the template in front of the functions.
func (s *Stack) newAPI() (http.Handler, error) {
	c := httpapi.Config{Throttle: httpapi.Throttle(s.declared.Throttle)}
	for i, declared := range s.declared.Routes {
		route := httpapi.Route{
			Method:     declared.Method,
			Path:       declared.Path,
			Authorizer: s.authorizers[i],
			Timeout:    declared.Timeout,
			Target:     s.Functions[declared.Function],
		}
		if declared.Throttle != nil {
			throttle := httpapi.Throttle(*declared.Throttle)
			route.Throttle = &throttle
		}
		c.Routes = append(c.Routes, route)
	}
	api, err := httpapi.New(c)
	if err != nil || s.config.Front == nil {
		return api, err
	}
	return s.config.Front(api), nil
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
