package memstore_test

import (
	"context"
	"testing"

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
