package memstore_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
	"github.com/coldfuse/coldfuse/pkg/breaker/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Subject {
		s := memstore.New()
		return storetest.Subject{Store: s, Delete: func(_ context.Context, circuit string) error {
			s.Delete(circuit)
			return nil
		}}
	})
}

func TestARecordThatWasReturnedIsTheCallersOwn(t *testing.T) {
	s, ctx := memstore.New(), context.Background()
	add := func(id breaker.FailureID) breaker.Record {
		r, held, err := s.AppendFailure(ctx, "c", breaker.Failure{ID: id, Cap: 100, New: "w"})
		if err != nil || !held {
			t.Fatal(held, err)
		}
		return r
	}
	for n := range 20 {
		own := breaker.FailureID(fmt.Sprintf("1#own#%x", n))
		returned := add(breaker.FailureID(fmt.Sprintf("1#e#%x", n)))
		longer := append(returned.Failures, own)
		next := add(breaker.FailureID(fmt.Sprintf("1#f#%x", n)))
		if slices.Contains(next.Failures, own) || longer[len(longer)-1] != own {
			t.Fatalf("after %d failures the caller has %v and the store %v", n, longer, next.Failures)
		}
	}
}
