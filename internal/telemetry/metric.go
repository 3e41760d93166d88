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

// metrics makes a line a metric document. The line must be written by a logger
// without an open group, at INFO or above: Lambda drops what is below its
// application log level, alarms and all.
func metrics(directives string) slog.Attr {
	return slog.Any("_aws", emf{time.Now().UnixMilli(), json.RawMessage(directives)})
}

// What each kind of line measures, all in namespace coldfuse. A metric costs
// by its combinations of dimensions: only what alarms or dashboards need is
// also kept by operation.
const (
	callMetrics = `[` +
		`{"Namespace":"coldfuse","Dimensions":[["circuit"]],"Metrics":[` +
		`{"Name":"Failures","Unit":"Count"},{"Name":"Retries","Unit":"Count"},{"Name":"CircuitOpen","Unit":"Count"}]},` +
		`{"Namespace":"coldfuse","Dimensions":[["circuit"],["circuit","operation","outcome"]],"Metrics":[` +
		`{"Name":"Calls","Unit":"Count"},{"Name":"DurationMs","Unit":"Milliseconds"}]}]`

	transitionMetrics = `[` +
		`{"Namespace":"coldfuse","Dimensions":[["circuit"]],"Metrics":[{"Name":"CircuitState","Unit":"None"}]},` +
		`{"Namespace":"coldfuse","Dimensions":[["circuit","state"]],"Metrics":[{"Name":"CircuitTransitions","Unit":"Count"}]}]`

	storeLostMetrics          = `[{"Namespace":"coldfuse","Dimensions":[["circuit"]],"Metrics":[{"Name":"StoreLost","Unit":"Count"}]}]`
	storeReturnedMetrics      = `[{"Namespace":"coldfuse","Dimensions":[["circuit"]],"Metrics":[{"Name":"StoreReturned","Unit":"Count"}]}]`
	credentialsRefusedMetrics = `[{"Namespace":"coldfuse","Dimensions":[["circuit"]],"Metrics":[{"Name":"CredentialsRefused","Unit":"Count"}]}]`
	faultMetrics              = `[{"Namespace":"coldfuse","Dimensions":[["service"]],"Metrics":[{"Name":"Faults","Unit":"Count"}]}]`
)
