package dynamostore

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

type item = map[string]types.AttributeValue

func TestDecodeNeverGuesses(t *testing.T) {
	for rule, spoil := range map[string]func(item){
		"no schema is an error":                       func(i item) { delete(i, "schema") },
		"a schema of no version is an error":          func(i item) { i["schema"] = number(0) },
		"a schema beyond the next is an error":        func(i item) { i["schema"] = number(breaker.Schema + 2) },
		"an unknown override is an error":             func(i item) { i["override_mode"] = text("ajar") },
		"a schema of another type is an error":        func(i item) { i["schema"] = text("1") },
		"no state is an error":                        func(i item) { delete(i, "state") },
		"an unknown state is an error":                func(i item) { i["state"] = text("ajar") },
		"no writer is an error":                       func(i item) { delete(i, "writer") },
		"a writer of another type is an error":        func(i item) { i["writer"] = number(1) },
		"no generation is an error":                   func(i item) { delete(i, "generation") },
		"no epoch is an error":                        func(i item) { delete(i, "epoch") },
		"a negative generation is an error":           func(i item) { i["generation"] = number(-1) },
		"a generation that is no integer is an error": func(i item) { i["generation"] = &types.AttributeValueMemberN{Value: "1e3"} },
		"a number beyond 64 bits is an error":         func(i item) { i["retry_at"] = &types.AttributeValueMemberN{Value: "99999999999999999999"} },
		"an end of a lease as text is an error":       func(i item) { i["probe_until"] = text("5") },
		"a list of failures is an error":              func(i item) { i["failures"] = &types.AttributeValueMemberL{} },
		"a null is an error":                          func(i item) { i["reason"] = &types.AttributeValueMemberNULL{Value: true} },
		"a count of successes as text is an error":    func(i item) { i["successes"] = text("1") },
	} {
		i := validItem()
		spoil(i)
		if r, err := DecodeRecord(i); err == nil {
			t.Errorf("%s: got %+v", rule, r)
		}
	}
	if _, err := DecodeRecord(validItem()); err != nil {
		t.Errorf("a valid item: %v", err)
	}
	later := validItem()
	later["schema"], later["shade"] = number(breaker.Schema+1), text("x")
	if _, err := DecodeRecord(later); err != nil {
		t.Errorf("an attribute that the next schema adds is ignored: %v", err)
	}
}

func validItem() item {
	return item{"schema": number(breaker.Schema), "generation": number(3), "epoch": number(2), "state": text("open"), "writer": text("w")}
}

func TestChangedWritesOnlyWhatDiffers(t *testing.T) {
	from := breaker.Record{Generation: 4, Writer: "w", Epoch: 4, State: breaker.Open, Reason: "timeout", OpenedAt: 5}
	to := from
	to.Generation, to.Writer, to.State, to.Epoch, to.ProbeOwner, to.OpenedAt = 5, "w2", breaker.HalfOpen, 5, "e", 0
	in := changed(breaker.Change{From: from, To: to}, breaker.Schema)
	want := "SET #generation = :generation, #epoch = :epoch, #writer = :writer, #state = :state, #probe_owner = :probe_owner REMOVE #opened_at, failures"
	if *in.UpdateExpression != want {
		t.Errorf("got  %s\nwant %s", *in.UpdateExpression, want)
	}
	from.State, to.State = breaker.Closed, breaker.Closed
	if in := changed(breaker.Change{From: from, To: to}, breaker.Schema); strings.Contains(*in.UpdateExpression, "failures") {
		t.Errorf("while closed, failures are left alone: %s", *in.UpdateExpression)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("state", byte(0), "open")
	f.Add("failures", byte(2), "1#e#1")
	f.Add("generation", byte(1), "-7")
	f.Add("probe_until", byte(1), "9223372036854775808")
	f.Fuzz(func(t *testing.T, name string, kind byte, value string) {
		i := validItem()
		i[name] = []types.AttributeValue{
			text(value), &types.AttributeValueMemberN{Value: value}, &types.AttributeValueMemberSS{Value: []string{value}},
			&types.AttributeValueMemberBOOL{Value: true}, nil,
		}[kind%5]
		r, err := DecodeRecord(i)
		if err != nil {
			return
		}
		if r.Generation < 0 || r.Epoch < 0 || r.Writer == "" || r.Successes < 0 || r.ProbeUntil < 0 ||
			r.State != breaker.Closed && r.State != breaker.Open && r.State != breaker.HalfOpen {
			t.Errorf("accepted %+v from %s=%q", r, name, value)
		}
		again, err := DecodeRecord(encode(r))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%+v came back as %+v, %v", r, again, err)
		}
	})
}

// encode returns the item of a record.
func encode(r breaker.Record) item {
	i := item{"schema": number(breaker.Schema)}
	for _, a := range attributes {
		if v := a.get(&r); v != nil {
			i[a.name] = v
		}
	}
	if len(r.Failures) > 0 {
		i["failures"] = set(r.Failures...)
	}
	return i
}
