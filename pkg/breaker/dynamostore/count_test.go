package dynamostore

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestCountsAreAttributes(t *testing.T) {
	for name, c := range map[string]breaker.Count{
		"s.0.1":       {Kind: breaker.SuccessesOfSixth, Bucket: 1, Calls: 7},
		"f.1c.2ytwp":  {Kind: breaker.FailuresOfSixth, Epoch: 48, Bucket: 4_984_297, Calls: 7},
		"S.zz.tpc3k1": {Kind: breaker.SuccessesOfSecond, Epoch: 1_295, Bucket: 1_796_073_985, Calls: 7},
		"F.7.0":       {Kind: breaker.FailuresOfSecond, Epoch: 7, Calls: 7},
	} {
		got, ok := countOf(name, number(7))
		if !ok || got != c || countName(c) != name {
			t.Errorf("%s: %+v %t, named %s", name, got, ok, countName(c))
		}
	}
	for rule, c := range map[string]struct {
		name string
		v    types.AttributeValue
	}{
		"another attribute":          {"state", number(1)},
		"a kind that is not known":   {"x.1.1", number(1)},
		"no epoch":                   {"s.1", number(1)},
		"a bucket that is no number": {"s.1.-", number(1)},
		"one that is negative":       {"s.1.-1", number(1)},
		"digits that are not ours":   {"s.1.A", number(1)},
		"zeros in front":             {"s.01.1", number(1)},
		"text":                       {"s.1.1", text("1")},
		"a fraction":                 {"s.1.1", &types.AttributeValueMemberN{Value: "1.5"}},
		"a negative number":          {"s.1.1", number(-1)},
		"more than fits":             {"s.1.1", &types.AttributeValueMemberN{Value: "92233720368547758080"}},
	} {
		if got, ok := countOf(c.name, c.v); ok {
			t.Errorf("%s is read as %+v", rule, got)
		}
	}
}

// Nothing exact depends on the counts, so one that cannot be read must not take the
// fleet's circuit away.
func TestMalformedCountsAreIgnored(t *testing.T) {
	i := item{
		"schema": number(1), "generation": number(3), "epoch": number(3), "writer": text("w"), "state": text("closed"),
		"traffic": text("much"), "s.3.1": text("many"), "f.3.1": number(2),
	}
	got, err := decode(i, 1)
	want := breaker.Record{Generation: 3, Epoch: 3, Writer: "w", State: breaker.Closed, Counts: []breaker.Count{{Kind: breaker.FailuresOfSixth, Epoch: 3, Bucket: 1, Calls: 2}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzCountOf(f *testing.F) {
	f.Add("s.1c.x2k9", "12")
	f.Add("S..", "")
	f.Fuzz(func(t *testing.T, name, value string) {
		c, ok := countOf(name, &types.AttributeValueMemberN{Value: value})
		if !ok {
			return
		}
		if again, ok := countOf(countName(c), number(c.Calls)); !ok || again != c || countName(c) != name {
			t.Errorf("%s=%s is %+v, then %+v", name, value, c, again)
		}
	})
}
