package child

import (
	"errors"
	"slices"
	"testing"
)

func TestFreeAddressesDiffer(t *testing.T) {
	const n = 200
	addresses, err := FreeAddresses(n)
	slices.Sort(addresses)
	if err != nil || len(slices.Compact(addresses)) != n {
		t.Errorf("%v, %q", err, addresses)
	}
}

func TestOnlyAChildThatHasEndedIsStartedAgain(t *testing.T) {
	other := errors.New("other")
	for rule, c := range map[string]struct {
		of   []error // what each start returns
		want error
	}{
		"one that runs":                     {[]error{nil}, nil},
		"one that runs at another address":  {[]error{ErrEnded, ErrEnded, nil}, nil},
		"one that ends at each of three":    {[]error{ErrEnded, ErrEnded, ErrEnded}, ErrEnded},
		"one that fails for another reason": {[]error{ErrEnded, other}, other},
	} {
		starts := 0
		_, err := Retry(func() (int, error) { starts++; return starts, c.of[starts-1] })
		if err != c.want || starts != len(c.of) {
			t.Errorf("%s: %v after %d starts", rule, err, starts)
		}
	}
}
