package properties

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// table is a DynamoDB that answers every operation with one item, which is
// JSON as the service writes it, and keeps what it was sent.
type table struct {
	item      string
	conflicts bool // conditions fail
	sent      []byte
}

func (d *table) RoundTrip(r *http.Request) (*http.Response, error) {
	var err error
	if d.sent, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	status, body := http.StatusOK, `{"Attributes":`+d.item+`}`
	switch {
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem"):
		body = `{"Item":` + d.item + `}`
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Query"):
		body = `{"Count":1,"Items":[` + d.item + `]}`
	case d.conflicts:
		status = http.StatusBadRequest
		body = `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Item":` + d.item + `}`
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func (d *table) store() *dynamostore.Store {
	environment := map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
	return dynamostore.New(dynamostore.NewClient(func(name string) string { return environment[name] }, d), "circuits")
}

// isRecordOrError is the property: an item is an error, or a record that the store
// writes and reads back unchanged.
func isRecordOrError(t rapid.TB, item string) {
	ctx := context.Background()
	d := &table{item: item}
	r, err := d.store().Load(ctx, "jira_api", true)
	if err != nil {
		r = breaker.Record{}
	}
	if r.Exists() {
		mustBeSound(t, r)
		if again := throughTable(t, r); !reflect.DeepEqual(again, r) {
			t.Errorf("%s\nis   %+v\nthen %+v", item, r, again)
		}
	}
	for _, conflicts := range []bool{false, true} {
		d.conflicts = conflicts
		written, held, wErr := d.store().AppendFailure(ctx, "jira_api", breaker.Failure{ID: "1#e#1", Cap: 1, At: 1, New: "w"})
		if (wErr == nil) != (err == nil) || !reflect.DeepEqual(written, r) || held && conflicts {
			t.Errorf("%s\nis %+v, %v when read and %+v, %v when written (conflict %v)", item, r, err, written, wErr, conflicts)
		}
	}
}

// mustBeSound fails if the record holds what no store writes.
func mustBeSound(t rapid.TB, r breaker.Record) {
	switch r.State {
	case breaker.Closed, breaker.Open, breaker.HalfOpen:
	default:
		t.Errorf("state %q", r.State)
	}
	for _, n := range []int64{
		r.Generation, r.Epoch, r.LastFailureAt, r.OpenedAt, r.RetryAt, r.FirstOpenedAt, r.ProbeUntil,
		int64(r.TrippedBy), int64(r.ConsecutiveOpens), int64(r.Successes), r.OverrideUntil,
	} {
		if n < 0 {
			t.Errorf("a negative number in %+v", r)
		}
	}
}

// throughTable writes a record as a change that creates the item, and reads
// it. Failures are written by operations of their own.
func throughTable(t rapid.TB, r breaker.Record) breaker.Record {
	d := &table{item: "{}"}
	_, _, _ = d.store().Change(context.Background(), "jira_api", breaker.Change{From: breaker.Record{State: breaker.Closed}, To: r})
	item, err := d.written()
	if err != nil {
		t.Fatalf("what was sent: %v", err)
	}
	if len(r.Failures) > 0 {
		ids, _ := json.Marshal(map[string]any{"SS": r.Failures})
		item["failures"] = ids
	}
	encoded, _ := json.Marshal(item)
	again, err := (&table{item: string(encoded)}).store().Load(context.Background(), "jira_api", true)
	if err != nil {
		t.Fatalf("%s: %v", encoded, err)
	}
	return again
}

// written returns the attributes that the last UpdateItem set.
func (d *table) written() (map[string]json.RawMessage, error) {
	var in struct {
		UpdateExpression          string
		ExpressionAttributeNames  map[string]string
		ExpressionAttributeValues map[string]json.RawMessage
	}
	if err := json.NewDecoder(bytes.NewReader(d.sent)).Decode(&in); err != nil {
		return nil, err
	}
	sets, _, _ := strings.Cut(strings.TrimPrefix(in.UpdateExpression, "SET "), " REMOVE ")
	item := make(map[string]json.RawMessage)
	for set := range strings.SplitSeq(sets, ", ") {
		name, value, found := strings.Cut(set, " = ")
		if !found {
			return nil, fmt.Errorf("update %q", in.UpdateExpression)
		}
		if full, ok := in.ExpressionAttributeNames[name]; ok {
			name = full
		}
		item[name] = in.ExpressionAttributeValues[value]
	}
	return item, nil
}

const wholeItem = `{"schema":{"N":"1"},"generation":{"N":"7"},"epoch":{"N":"6"},"writer":{"S":"e#1"},"state":{"S":"half_open"},` +
	`"last_failure_at":{"N":"5"},"opened_at":{"N":"4"},"retry_at":{"N":"9"},"reason":{"S":"timeout"},"tripped_by":{"N":"5"},` +
	`"first_opened_at":{"N":"3"},"consecutive_opens":{"N":"2"},"successes":{"N":"1"},"probe_owner":{"S":"e"},"probe_until":{"N":"11"},` +
	`"override_mode":{"S":"open"},"override_by":{"S":"someone"},"override_why":{"S":"to see"},"override_until":{"N":"99"}}`

func FuzzItem(f *testing.F) {
	f.Add(wholeItem)
	f.Add(`{"schema":{"N":"1"},"generation":{"N":"0"},"epoch":{"N":"0"},"writer":{"S":"w"},"state":{"S":"closed"},"failures":{"SS":["1#e#1","2#e#2"]}}`)
	f.Add(`{}`)
	f.Add(`null`)
	f.Add(`{"schema":{"N":"1"},"generation":{"N":1}}`)
	f.Fuzz(func(t *testing.T, item string) { isRecordOrError(t, item) })
}

// values are attribute values of every type, well formed and not.
var values = []string{
	`{"N":"0"}`, `{"N":"1"}`, `{"N":"7"}`, `{"N":"-1"}`, `{"N":"1.5"}`, `{"N":"1e3"}`, `{"N":"9223372036854775807"}`, `{"N":"9223372036854775808"}`, `{"N":""}`, `{"N":7}`,
	`{"S":"closed"}`, `{"S":"open"}`, `{"S":"half_open"}`, `{"S":"ajar"}`, `{"S":"disabled"}`, `{"S":""}`, `{"S":"e#1"}`, `{"SS":["1#e#1","x"]}`, `{"SS":[]}`, `{"NS":["1"]}`,
	`{"L":[]}`, `{"M":{}}`, `{"BOOL":true}`, `{"NULL":true}`, `{"B":"AA=="}`, `{}`, `null`, `{"future":1}`,
}

func TestItemIsARecordOrAnError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { isRecordOrError(t, spoil(t, wholeItem)) })
}

// spoil changes a few attributes of an item.
func spoil(t *rapid.T, whole string) string {
	var item map[string]json.RawMessage
	if err := json.Unmarshal([]byte(whole), &item); err != nil {
		t.Fatal(err)
	}
	item["failures"] = json.RawMessage(`{"SS":["1#e#1"]}`)
	item["unheard_of"] = json.RawMessage(`{"S":"x"}`)
	names := rapid.SampledFrom(keys(item))
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		name := names.Draw(t, "name")
		if rapid.Bool().Draw(t, "missing") {
			delete(item, name)
			continue
		}
		item[name] = json.RawMessage(rapid.SampledFrom(values).Draw(t, "value"))
	}
	encoded, err := json.Marshal(item)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// isTransitionOrError is the same property for an entry of the history.
func isTransitionOrError(t rapid.TB, item string) {
	ctx := context.Background()
	read, err := (&table{item: item}).store().Transitions(ctx, "jira_api", 1)
	if err != nil || len(read) == 0 || read[0].Circuit != "jira_api" || read[0].At.IsZero() {
		return // no table answers an item without its key, and no entry was written at no time
	}
	d := &table{item: "{}"}
	if err := d.store().PutTransition(ctx, "jira_api", read[0]); err != nil {
		t.Fatalf("%+v: %v", read[0], err)
	}
	var in struct{ Item json.RawMessage }
	if err := json.Unmarshal(d.sent, &in); err != nil {
		t.Fatal(err)
	}
	again, err := (&table{item: string(in.Item)}).store().Transitions(ctx, "jira_api", 1)
	if err != nil || !reflect.DeepEqual(again, read) {
		t.Errorf("%s\nis   %+v\nthen %+v, %v", item, read, again, err)
	}
}

const wholeEntry = `{"circuit":{"S":"jira_api"},"entry":{"S":"transition#0000000000000000007"},"generation":{"N":"7"},"from":{"S":"closed"},"to":{"S":"open"},` +
	`"reason":{"S":"timeout"},"at":{"N":"5"},"retry_at":{"N":"9"},"opens":{"N":"1"},` +
	`"override_mode":{"S":"open"},"override_by":{"S":"someone"},"override_why":{"S":"to see"},"override_until":{"N":"99"},"cleared":{"N":"1"},"cleared_by":{"S":"another"},"expires_at":{"N":"2592000"}}`

func FuzzEntry(f *testing.F) {
	f.Add(wholeEntry)
	f.Add(`{"circuit":{"S":"jira_api"},"generation":{"N":"1"},"at":{"N":"1"},"from":{"S":"closed"},"to":{"S":"open"}}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, item string) { isTransitionOrError(t, item) })
}

func TestEntryIsATransitionOrAnError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { isTransitionOrError(t, spoil(t, wholeEntry)) })
}

func keys(item map[string]json.RawMessage) []string { return slices.Sorted(maps.Keys(item)) }
