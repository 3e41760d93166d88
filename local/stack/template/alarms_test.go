package template

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// deployed returns a section of the template that is deployed, intrinsic functions
// as maps.
func deployed(t *testing.T, section string) map[string]any {
	t.Helper()
	src, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	root, err := decode(src)
	if err != nil {
		t.Fatal(err)
	}
	return root[section].(map[string]any)
}

// alarms returns the properties of every alarm by its name.
func alarms(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for name, r := range deployed(t, "Resources") {
		if resource := r.(map[string]any); resource["Type"] == "AWS::CloudWatch::Alarm" {
			all[name] = resource["Properties"].(map[string]any)
		}
	}
	return all
}

// ours returns the alarms that read the project's own metrics.
func ours(t *testing.T) map[string]map[string]any {
	all := alarms(t)
	maps.DeleteFunc(all, func(_ string, alarm map[string]any) bool { return alarm["Namespace"] != "coldfuse" })
	if len(all) == 0 {
		t.Error("no alarm reads a metric of ours")
	}
	return all
}

// dimensions returns an alarm's dimensions: values by name.
func dimensions(alarm map[string]any) map[string]any {
	all := map[string]any{}
	for _, d := range elements(alarm["Dimensions"]) {
		all[d["Name"].(string)] = d["Value"]
	}
	return all
}

// same reports whether two values of the template are equal.
func same(a, b any) bool {
	left, _ := json.Marshal(a)
	right, _ := json.Marshal(b)
	return bytes.Equal(left, right)
}

func ref(name string) any { return map[string]any{"Ref": name} }

// emitted returns the metrics in the log lines that the code really writes, as
// "name by dimension, dimension".
func emitted(t *testing.T) map[string]bool {
	t.Helper()
	var log bytes.Buffer
	ctx, logger := context.Background(), telemetry.Setup(&log, "jira", func(string) string { return "" })
	observer := telemetry.Observer(logger)
	for _, state := range []breaker.State{breaker.Open, breaker.HalfOpen, breaker.Closed} {
		observer.Transition(ctx, breaker.Transition{Circuit: "jira_api", To: state})
	}
	observer.StoreLost(ctx, "jira_api", errors.New("lost"))
	observer.StoreReturned(ctx, "jira_api", time.Second)
	for _, outcome := range []string{guard.Succeeded, guard.Failed, guard.Neutral, guard.Rejected, guard.Panicked} {
		telemetry.Calls(logger)(ctx, guard.Call{Circuit: "jira_api", Operation: "jira.get_issue", Outcome: outcome, Attempts: 2})
		telemetry.Calls(logger)(ctx, guard.Call{Operation: "sessions.get", Outcome: outcome, Attempts: 2})
	}
	telemetry.CredentialsRejected(logger, "jira_api")(ctx)
	telemetry.Fault(logger)(ctx, "fault", nil)
	telemetry.Gauge(logger)(ctx, breaker.Stats{Name: "jira_api"})
	all := map[string]bool{}
	for line := range bytes.Lines(log.Bytes()) {
		var document struct {
			AWS struct {
				CloudWatchMetrics []struct {
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		if err := json.Unmarshal(line, &document); err != nil {
			t.Fatal(err)
		}
		for _, directive := range document.AWS.CloudWatchMetrics {
			for _, of := range directive.Dimensions {
				for _, metric := range directive.Metrics {
					all[metricBy(metric.Name, of)] = true
				}
			}
		}
	}
	return all
}

func metricBy(name string, dimensions []string) string {
	return name + " by " + strings.Join(slices.Sorted(slices.Values(dimensions)), ", ")
}

func TestEveryAlarmReadsAMetricThatTheCodeWrites(t *testing.T) {
	written := emitted(t)
	for name, alarm := range ours(t) {
		read := metricBy(alarm["MetricName"].(string), slices.Collect(maps.Keys(dimensions(alarm))))
		if !written[read] {
			t.Errorf("%s reads %s, which no log line has", name, read)
		}
	}
}

func TestEveryAlarmReadsItsOwnStack(t *testing.T) {
	for name, alarm := range ours(t) {
		if got := dimensions(alarm)["stack"]; !same(got, ref("AWS::StackName")) {
			t.Errorf("%s reads stack %v", name, got)
		}
	}
}

func TestEveryAlarmIsQuietWithoutDataAndWantsMOfN(t *testing.T) {
	// A gauge that stops must not mean that a circuit is closed.
	gauged := map[string]any{"Fn::If": []any{"GaugesCircuits", "ignore", "notBreaching"}}
	for name, alarm := range alarms(t) {
		want := any("notBreaching")
		if strings.HasSuffix(name, "CircuitOpenAlarm") {
			want = gauged
		}
		if got := alarm["TreatMissingData"]; !same(got, want) {
			t.Errorf("%s treats missing data as %v, want %v", name, got, want)
		}
		m, n := alarm["DatapointsToAlarm"].(int), alarm["EvaluationPeriods"].(int)
		if m >= n && !strings.HasSuffix(name, "CircuitOverriddenAlarm") {
			t.Errorf("%s wants %d of %d", name, m, n)
		}
		if !same(alarm["AlarmActions"], alarm["OKActions"]) {
			t.Errorf("%s does not report its end where it reports its beginning", name)
		}
	}
}

func TestEachCircuitHasAnAlarmWhileItIsOpenAndOneWhileItIsOverridden(t *testing.T) {
	all := alarms(t)
	for product, circuit := range map[string]string{"Jira": "jira_api", "Confluence": "confluence_api"} {
		for name, want := range map[string]map[string]any{
			"CircuitOpenAlarm":       {"MetricName": "CircuitState", "Statistic": "Maximum", "Period": 60, "Threshold": 1, "DatapointsToAlarm": 1},
			"CircuitOverriddenAlarm": {"MetricName": "CircuitOverridden", "Statistic": "Minimum", "Period": 3600, "Threshold": 1, "DatapointsToAlarm": 12, "EvaluationPeriods": 12},
		} {
			alarm := all[product+name]
			if dimensions(alarm)["circuit"] != circuit {
				t.Errorf("%s%s is not of %s", product, name, circuit)
			}
			for property, value := range want {
				if !same(alarm[property], value) {
					t.Errorf("%s%s: %s is %v, want %v", product, name, property, alarm[property], value)
				}
			}
		}
	}
}

func TestTheLogLevelLetsMetricsThrough(t *testing.T) {
	levels := deployed(t, "Mappings")["ApplicationLogLevel"].(map[string]any)
	for _, level := range deployed(t, "Parameters")["LogLevel"].(map[string]any)["AllowedValues"].([]any) {
		is, _ := levels[level.(string)].(map[string]any)
		if !slices.Contains([]any{"TRACE", "DEBUG", "INFO"}, is["Is"]) {
			t.Errorf("level %v is %v, which drops the metric lines", level, is["Is"])
		}
	}
	shared := deployed(t, "Globals")["Function"].(map[string]any)["LoggingConfig"].(map[string]any)
	level := map[string]any{"Fn::FindInMap": []any{"ApplicationLogLevel", ref("LogLevel"), "Is"}}
	if shared["LogFormat"] != "JSON" || !same(shared["ApplicationLogLevel"], level) {
		t.Errorf("functions log by %v", shared)
	}
	for name, r := range deployed(t, "Resources") {
		resource := r.(map[string]any)
		if resource["Type"] != "AWS::Serverless::Function" {
			continue
		}
		own, _ := dig(resource, "Properties", "LoggingConfig")
		if keys := slices.Collect(maps.Keys(own.(map[string]any))); !slices.Equal(keys, []string{"LogGroup"}) {
			t.Errorf("%s has a log level of its own: %v", name, own)
		}
	}
}
