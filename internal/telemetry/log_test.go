package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log"
	"log/slog"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// invoked is the context of an invocation as aws-lambda-go makes it.
type invoked struct{ context.Context }

func (c invoked) Value(key any) any {
	if key == "x-amzn-trace-id" {
		return "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	}
	return c.Context.Value(key)
}

func invocationContext() context.Context {
	return invoked{lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})}
}

// setup returns a logger and what it wrote, line by line.
func setup(t *testing.T, level string) (*slog.Logger, func() []map[string]any) {
	t.Helper()
	before, flags, out := slog.Default(), log.Flags(), log.Writer()
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetFlags(flags)
		log.SetOutput(out)
	})
	var buf bytes.Buffer
	environment := map[string]string{"LOG_LEVEL": level, "METRICS_STACK": "coldfuse-prod"}
	return Setup(&buf, "jira", func(name string) string { return environment[name] }), func() []map[string]any { return parse(t, buf.Bytes()) }
}

func parse(t *testing.T, data []byte) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range bytes.Lines(data) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		lines = append(lines, fields)
	}
	return lines
}

// want compares some fields of a line; nil wants a field to be absent.
func want(t *testing.T, line map[string]any, fields map[string]any) {
	t.Helper()
	for name, value := range fields {
		if line[name] != value {
			t.Errorf("%s = %v, want %v", name, line[name], value)
		}
	}
}

func TestLine(t *testing.T) {
	logger, lines := setup(t, "info")
	logger.InfoContext(invocationContext(), "hello", "circuit", "jira_api")
	logger.Info("outside")
	got := lines()
	want(t, got[0], map[string]any{
		"level": "INFO", "message": "hello", "service": "jira", "stack": "coldfuse-prod", "circuit": "jira_api",
		"requestId": "id-1", "traceId": "1-5759e988-bd862e3fe1be46a994272793",
	})
	if _, err := time.Parse(time.RFC3339, got[0]["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	want(t, got[1], map[string]any{"message": "outside", "requestId": nil, "traceId": nil})
}

// A line without the dimension stack would be no metric at all.
func TestWithoutANameTheStackIsLocal(t *testing.T) {
	setup(t, "info") // restores what Setup changes
	var buf bytes.Buffer
	CredentialsRejected(Setup(&buf, "jira", func(string) string { return "" }), "jira_api")(context.Background())
	line := parse(t, buf.Bytes())[0]
	want(t, line, map[string]any{"stack": "local"})
	checkEMF(t, line)
}

func TestLevels(t *testing.T) {
	tests := map[string]struct {
		level string
		lines int
	}{
		"debug shows everything":              {"debug", 2},
		"in any case":                         {"DEBUG", 2},
		"info is what nothing means":          {"", 1},
		"a higher level would hide metrics":   {"error", 1},
		"an unknown level is taken for info ": {"verbose", 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			logger, lines := setup(t, test.level)
			logger.Debug("a")
			logger.Info("b")
			if got := len(lines()); got != test.lines {
				t.Errorf("%d lines, want %d", got, test.lines)
			}
		})
	}
}

func TestPackageLogIsLoggedAsError(t *testing.T) {
	_, lines := setup(t, "info")
	log.Print("invocation failed")
	slog.Warn("by the default logger")
	got := lines()
	want(t, got[0], map[string]any{"level": "ERROR", "message": "invocation failed", "service": "jira"})
	want(t, got[1], map[string]any{"level": "WARN", "service": "jira"})
}

func TestIDsStayAtTheRoot(t *testing.T) {
	logger, lines := setup(t, "info")
	logger.With("a", 1).WithGroup("g").With("b", 2).WithGroup("").WithGroup("h").InfoContext(invocationContext(), "x", "c", 3)
	line := lines()[0]
	want(t, line, map[string]any{"requestId": "id-1", "a": 1.0})
	g := line["g"].(map[string]any)
	want(t, g, map[string]any{"b": 2.0, "requestId": nil})
	want(t, g["h"].(map[string]any), map[string]any{"c": 3.0})
}

func TestHandlerKeepsSlogsRules(t *testing.T) {
	var buf bytes.Buffer
	err := slogtest.TestHandler(&handler{root: slog.NewJSONHandler(&buf, nil)}, func() []map[string]any {
		return parse(t, buf.Bytes())
	})
	if err != nil {
		t.Error(err)
	}
}
