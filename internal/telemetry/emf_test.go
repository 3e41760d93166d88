package telemetry

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// metadata is what a line's "_aws" says.
type metadata struct {
	Timestamp         int64
	CloudWatchMetrics []struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []struct{ Name, Unit string }
	}
}

func readEMF(t *testing.T, line map[string]any) metadata {
	t.Helper()
	raw, err := json.Marshal(line["_aws"])
	if err != nil {
		t.Fatal(err)
	}
	var meta metadata
	if err := json.Unmarshal(raw, &meta); err != nil {
		t.Fatalf("_aws: %v", err)
	}
	return meta
}

// measured reports under which namespace and dimensions a line has a metric.
func measured(t *testing.T, line map[string]any, metric string) string {
	t.Helper()
	for _, directive := range readEMF(t, line).CloudWatchMetrics {
		for _, m := range directive.Metrics {
			if m.Name == metric {
				return fmt.Sprintf("%s %v in %s", directive.Namespace, directive.Dimensions, m.Unit)
			}
		}
	}
	t.Errorf("no metric %s", metric)
	return ""
}

// checkEMF holds a line to the rules of CloudWatch's embedded metric format,
// and to Lambda's for lines that must not be dropped: a level and an RFC 3339
// timestamp at the root.
func checkEMF(t *testing.T, line map[string]any) {
	t.Helper()
	switch line["level"] {
	case "INFO", "WARN", "ERROR":
	default:
		t.Errorf("level %v would be dropped or misread", line["level"])
	}
	if _, err := time.Parse(time.RFC3339, fmt.Sprint(line["timestamp"])); err != nil {
		t.Error(err)
	}
	meta := readEMF(t, line)
	if age := time.Since(time.UnixMilli(meta.Timestamp)); age < -time.Minute || age > time.Minute {
		t.Errorf("_aws.Timestamp %d is no time of now in ms", meta.Timestamp)
	}
	if len(meta.CloudWatchMetrics) == 0 {
		t.Error("no metric directive")
	}
	for _, directive := range meta.CloudWatchMetrics {
		if directive.Namespace != "coldfuse" || len(directive.Dimensions) == 0 {
			t.Errorf("namespace %q, dimensions %v", directive.Namespace, directive.Dimensions)
		}
		for _, set := range directive.Dimensions {
			if !slices.Contains(set, "stack") {
				t.Errorf("dimensions %v are every stack's", set)
			}
			checkDimensions(t, set, line)
		}
		if n := len(directive.Metrics); n == 0 || n > 100 {
			t.Errorf("%d metrics, want 1 to 100", n)
		}
		for _, metric := range directive.Metrics {
			if _, ok := line[metric.Name].(float64); !ok {
				t.Errorf("metric %s is %v at the root, want a number", metric.Name, line[metric.Name])
			}
			switch metric.Unit {
			case "Count", "Milliseconds", "None", "Percent":
			default:
				t.Errorf("metric %s has unit %q", metric.Name, metric.Unit)
			}
		}
	}
}

func checkDimensions(t *testing.T, set []string, line map[string]any) {
	t.Helper()
	if len(set) > 30 {
		t.Errorf("%d dimensions, want at most 30", len(set))
	}
	for _, name := range set {
		if value, ok := line[name].(string); !ok || value == "" {
			t.Errorf("dimension %s is %v at the root, want a string that is not empty", name, line[name])
		}
	}
}
