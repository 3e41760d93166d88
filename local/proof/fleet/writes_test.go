package fleet

import (
	"reflect"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestTheStoresAnswersAreDecoded(t *testing.T) {
	h, at := history{}, time.UnixMilli(1_800_000_000_005)
	answer := func(text string) {
		h.answered(storeproxy.Exchange{Operation: "UpdateItem", Status: 200, Answer: []byte(text), At: at})
	}
	answer(`{"Attributes":{"entry":{"S":"transition#1"},"generation":{"N":"9"}}}`)
	answer(`{"Attributes":{"entry":{"S":"state"},"schema":{"N":"1"},"generation":{"N":"2"},"epoch":{"N":"2"},"writer":{"S":"a#1"},"state":{"S":"half_open"},` +
		`"failures":{"SS":["1#a#1"]},"successes":{"N":"1"},"probe_owner":{"S":"a"},"probe_until":{"N":"1800000000000"},"reason":{"S":"timeout"}}}`)
	h.answered(storeproxy.Exchange{Operation: "UpdateItem", Status: 400, Answer: []byte(`{}`)})
	writes, err := h.all()
	if err != nil || len(writes) != 1 {
		t.Fatalf("%+v, %v", writes, err)
	}
	want := Write{At: at, Record: breaker.Record{
		Generation: 2, Epoch: 2, Writer: "a#1", State: breaker.HalfOpen, Failures: []breaker.FailureID{"1#a#1"},
		Successes: 1, ProbeOwner: "a", ProbeUntil: 1_800_000_000_000, Reason: "timeout",
	}}
	if !reflect.DeepEqual(writes[0], want) || !reflect.DeepEqual(h.last(), want) {
		t.Errorf("got  %+v\nwant %+v", writes[0], want)
	}
	answer(`{"Attributes":{"entry":{"S":"state"},"schema":{"N":"1"},"state":{"S":"open"},"generation":{"N":"many"}}}`)
	if _, err := h.all(); err == nil {
		t.Error("an answer that cannot be decoded is ignored")
	}
}
