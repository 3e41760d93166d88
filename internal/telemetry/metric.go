package telemetry

import (
	"encoding/json"
	"log/slog"
	"time"
)

// emf is the member "_aws" that makes a log line a metric document. The values
// and dimensions that it names are the line's own attributes. Format:
// CloudWatch User Guide, "Specification: Embedded metric format".
type emf struct {
	Timestamp         int64 // Unix milliseconds
	CloudWatchMetrics json.RawMessage
}

// metrics makes a line a metric document. The line must be written by Setup's
// logger without an open group, at INFO or above: Lambda drops what is below its
// application log level, alarms and all.
func metrics(directives string) slog.Attr {
	return slog.Any("_aws", emf{time.Now().UnixMilli(), json.RawMessage(directives)})
}

// What each kind of line measures, all in namespace coldfuse and by stack,
// which Setup puts on every line: two stacks of one account must not feed each
// other's alarms. A metric costs by its combinations of dimensions: only what
// alarms or dashboards need is also kept by operation.
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
		`{"Name":"CircuitState","Unit":"None"},{"Name":"CircuitOverridden","Unit":"None"}]}]`

	storeLostMetrics           = `[{"Namespace":"coldfuse","Dimensions":[["stack","circuit"]],"Metrics":[{"Name":"StoreLost","Unit":"Count"}]}]`
	storeReturnedMetrics       = `[{"Namespace":"coldfuse","Dimensions":[["stack","circuit"]],"Metrics":[{"Name":"StoreReturned","Unit":"Count"}]}]`
	credentialsRejectedMetrics = `[{"Namespace":"coldfuse","Dimensions":[["stack","circuit"]],"Metrics":[{"Name":"CredentialsRejected","Unit":"Count"}]}]`
	faultMetrics               = `[{"Namespace":"coldfuse","Dimensions":[["stack","service"]],"Metrics":[{"Name":"Faults","Unit":"Count"}]}]`
)
