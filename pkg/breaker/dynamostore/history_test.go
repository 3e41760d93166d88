package dynamostore

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestDecodeEntryNeverGuesses(t *testing.T) {
	for rule, spoil := range map[string]func(item){
		"no circuit is an error":                  func(i item) { delete(i, "circuit") },
		"no generation is an error":               func(i item) { delete(i, "generation") },
		"a negative generation is an error":       func(i item) { i["generation"] = number(-1) },
		"no from is an error":                     func(i item) { delete(i, "from") },
		"an unknown from is an error":             func(i item) { i["from"] = text("ajar") },
		"no to is an error":                       func(i item) { delete(i, "to") },
		"an unknown to is an error":               func(i item) { i["to"] = text("ajar") },
		"no time is an error":                     func(i item) { delete(i, "at") },
		"a time of 0 is an error":                 func(i item) { i["at"] = number(0) },
		"a negative time is an error":             func(i item) { i["at"] = number(-1) },
		"a time as text is an error":              func(i item) { i["at"] = text("5") },
		"a reason of another type is an error":    func(i item) { i["reason"] = number(1) },
		"an unknown override is an error":         func(i item) { i["override_mode"] = text("ajar") },
		"an override without an end is an error":  func(i item) { delete(i, "override_until") },
		"cleared is 0 or 1":                       func(i item) { i["cleared"] = number(2) },
		"clearing no override is an error":        func(i item) { delete(i, "override_mode") },
		"cleared_by without cleared is an error":  func(i item) { delete(i, "cleared") },
		"cleared_by as a number is an error":      func(i item) { i["cleared_by"] = number(1) },
		"a count of openings as text is an error": func(i item) { i["opens"] = text("1") },
	} {
		i := validEntry()
		spoil(i)
		if e, err := decodeEntry(i); err == nil {
			t.Errorf("%s: got %+v", rule, e)
		}
	}
	later := validEntry()
	later["shade"] = text("x")
	for rule, i := range map[string]item{
		"a valid entry is read":                      validEntry(),
		"an attribute of a later version is ignored": later,
	} {
		if _, err := decodeEntry(i); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func validEntry() item {
	return item{
		"circuit": text("jira_api"), "entry": text("transition#0000000000000000007"), "generation": number(7),
		"from": text("closed"), "to": text("closed"), "at": number(5),
		"override_mode": text("open"), "override_by": text("someone"), "override_until": number(9),
		"cleared": number(1), "cleared_by": text("another"),
	}
}

func TestHistoryKeysSortByTime(t *testing.T) {
	at := time.UnixMilli(1_796_136_362_167)
	old, first, second, restarted := "transition#0000000000000000120", breaker.Transition{Generation: 120, At: at}, breaker.Transition{Generation: 121, At: at}, breaker.Transition{Generation: 1, At: at.Add(time.Millisecond)}
	keys := []string{old, historyKey(first), historyKey(second), historyKey(restarted)}
	if !slices.IsSorted(keys) || len(slices.Compact(keys)) != 4 {
		t.Errorf("%q", keys)
	}
	if e := encodeEntry("c", first); e["expires_at"].(*types.AttributeValueMemberN).Value != "1798728362" {
		t.Errorf("expires_at is %v, want seconds, 30 days later", e["expires_at"])
	}
}

func TestAnUnreadableEntryHidesNoOthers(t *testing.T) {
	bad, first, last := validEntry(), validEntry(), validEntry()
	bad["to"], last["generation"] = text("ajar"), number(3)
	list, err := decodeEntries([]item{first, bad, last, bad})
	if len(list) != 2 || list[0].Generation != 7 || list[1].Generation != 3 {
		t.Errorf("got %+v", list)
	}
	if !errors.Is(err, breaker.ErrUnreadable) || !strings.Contains(err.Error(), "2 of 4") {
		t.Errorf("the error does not say how many: %v", err)
	}
	if list, err := decodeEntries([]item{first, last}); len(list) != 2 || err != nil {
		t.Errorf("all readable: %+v, %v", list, err)
	}
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add("from", byte(0), "ajar")
	f.Add("at", byte(1), "0")
	f.Add("cleared", byte(1), "2")
	f.Add("cleared", byte(1), "0")
	f.Add("cleared_by", byte(0), "ops")
	f.Add("override_mode", byte(0), "")
	f.Add("override_until", byte(1), "9223372036854775808")
	f.Fuzz(func(t *testing.T, name string, kind byte, value string) {
		i := validEntry()
		i[name] = []types.AttributeValue{
			text(value), &types.AttributeValueMemberN{Value: value}, &types.AttributeValueMemberBOOL{Value: true}, nil,
		}[kind%4]
		read, err := decodeEntry(i)
		if err != nil {
			return
		}
		if read.At.IsZero() || !known(read.From) || !known(read.To) || read.Generation < 0 || read.Cleared && read.Override == nil {
			t.Errorf("accepted %+v from %s=%q", read, name, value)
		}
		again, err := decodeEntry(encodeEntry(read.Circuit, read))
		if err != nil || !reflect.DeepEqual(again, read) {
			t.Errorf("%+v came back as %+v, %v", read, again, err)
		}
	})
}
