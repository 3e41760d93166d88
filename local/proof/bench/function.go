package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/local/stack"
	"github.com/coldfuse/coldfuse/local/stack/bootstrap"
	"github.com/coldfuse/coldfuse/local/stack/lambda"
)

// wholeFunction measures warm invocations of the Jira function, by the runtime
// API as Lambda makes them, beside a function that does the same without a
// guard. What the guard does is all in it: the circuit, its record read once a
// second from DynamoDB Local, hystrix, and the log line of each call.
func wholeFunction(ctx context.Context, root string) ([]figure, error) {
	s, err := stack.Start(ctx, stack.Config{Root: root})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	bare, err := newUnguarded(ctx, root, filepath.Join(dir, "bootstrap"), s)
	if err != nil {
		return nil, err
	}
	defer bare.Close()
	const rounds, calls = 20, 100
	ways := []*lambda.Function{bare, s.Functions[jiraFunction]}
	times := make([][]float64, len(ways))
	var added []float64
	for round := range rounds + 1 {
		var medians [2]float64
		for i, f := range ways {
			took, err := eachTime(calls, func() error { return askForIssueTypes(ctx, f) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name(), err)
			}
			if medians[i] = median(took); round > 0 { // the first one warms up
				times[i] = append(times[i], took...)
			}
		}
		if round > 0 {
			added = append(added, medians[1]-medians[0])
		}
	}
	var figures []figure
	for i, name := range []string{"without the guard", "with the guard"} {
		value := fmt.Sprintf("%.2f / %.2f / %.2f", median(times[i]), quantile(times[i], 0.9), quantile(times[i], 0.99))
		figures = append(figures, measured(name+", p50 / p90 / p99, ms", "%s", value))
	}
	return append(figures, measured("added by the guard, median of the rounds' medians, ms", "%.3f", median(added))), nil
}

const jiraFunction = "JiraFunction"

// newUnguarded makes the function without a guard, in the environment that the
// stack returns the Jira function.
func newUnguarded(ctx context.Context, root, path string, s *stack.Stack) (*lambda.Function, error) {
	if err := bootstrap.Build(ctx, filepath.Join(root, "local", "bench", "unguarded"), path); err != nil {
		return nil, err
	}
	env, err := environmentOf(ctx, s, jiraFunction)
	if err != nil {
		return nil, err
	}
	return lambda.New(lambda.Config{Name: "unguarded", Bootstrap: path, Env: env})
}

// environmentOf is what the stack gives a function.
func environmentOf(ctx context.Context, s *stack.Stack, function string) ([]string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.AdminURL+"/sam-env", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var all map[string]map[string]string
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		return nil, err
	}
	env := []string{"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local"}
	for name, value := range all[function] {
		env = append(env, name+"="+value)
	}
	return env, nil
}

// askForIssueTypes invokes a function as the HTTP API would.
func askForIssueTypes(ctx context.Context, f *lambda.Function) error {
	event, err := json.Marshal(events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "GET /api/v1/jira/issue-types", RawPath: "/api/v1/jira/issue-types",
		Headers: map[string]string{"host": "api.example.com"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RequestID: "bench", Stage: "$default",
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: http.MethodGet, Path: "/api/v1/jira/issue-types"},
		},
	})
	if err != nil {
		return err
	}
	answer, err := f.Invoke(ctx, event)
	if err != nil {
		return err
	}
	var out events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(answer, &out); err != nil {
		return err
	}
	if out.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d: %s", out.StatusCode, out.Body)
	}
	return nil
}
