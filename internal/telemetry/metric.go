package telemetry

import (
	"encoding/json"
	"log/slog"
	"time"
)

// emf is the member "_aws", which makes a log line a metric document. It names
// the line's attributes that are values and dimensions. Format:
// CloudWatch User Guide, "Specification: Embedded metric format".
type emf struct {
	Timestamp         int64 // Unix milliseconds
	CloudWatchMetrics json.RawMessage
}

// metrics returns the attribute that makes a line a metric document. The line
// must be written by Setup's logger, without an open group, at INFO or above:
// Lambda drops lines below its application log level, metrics included.
func metrics(directives string) slog.Attr {
	return slog.Any("_aws", emf{time.Now().UnixMilli(), json.RawMessage(directives)})
}

// Metrics of each kind of line. All are in namespace coldfuse and have the
// dimension stack, which Setup adds to every line, so that two stacks in one
// account do not trigger each other's alarms. CloudWatch charges for each
// combination of dimensions: only metrics that alarms or dashboards need by
// operation have that dimension.
const (
	callMetrics = `[` +
		`{"Namespace":"coldfuse","Dimensions":[["stack","circuit"]],"Metrics":[` +
		`{"Name":"Failures","Unit":"Count"},{"Name":"Retries","Unit":"Count"},{"Name":"CircuitOpen","Unit":"Count"}]},` +
		`{"Namespace":"coldfuse","Dimensions":[["stack","circuit"],["stack","circuit","operation","outcome"]],"Metrics":[` +
		`{"Name":"Calls","Unit":"Count"},{"Name":"DurationMs","Unit":"Milliseconds"}]}]`

	transitionMetrics = `[` +
		`{"Namespace":"coldfuse","Dimensions":[["stack","circuit"]],"Metrics":[{"Name":"CircuitState","Unit":"None"}]},` +
		`{"Namespace":"coldfuse","Dimensions":[["stack","circuit","state"]],"Metrics":[{"Name":"CircuitTransitions","Unit":"Count"}]}]`

	gaugeMetrics = `[{"Namespace":"coldfuse","Dimensions":[["stack","circuit"]],"Metrics":[` +
		`{"Name":"CircuitState","Unit":"None"},{"Name":"CircuitOverridden","Unit":"None"},` +
		`{"Name":"CircuitFailureRate","Unit":"Percent"},{"Name":"CircuitCalls","Unit":"Count"}]}]`

	storeLostMetrics           = `[{"Namespace":"coldfuse","Dimensions":[["stack","circuit"]],"Metrics":[{"Name":"StoreLost","Unit":"Count"}]}]`
	storeReturnedMetrics       = `[{"Namespace":"coldfuse","Dimensions":[["stack","circuit"]],"Metrics":[{"Name":"StoreReturned","Unit":"Count"}]}]`
	credentialsRejectedMetrics = `[{"Namespace":"coldfuse","Dimensions":[["stack","circuit"]],"Metrics":[{"Name":"CredentialsRejected","Unit":"Count"}]}]`
	faultMetrics               = `[{"Namespace":"coldfuse","Dimensions":[["stack","service"]],"Metrics":[{"Name":"Faults","Unit":"Count"}]}]`
)
