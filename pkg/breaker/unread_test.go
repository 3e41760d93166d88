package breaker_test

import (
	"context"
	"errors"
	"testing"
)

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	refused := errors.New("refused")
	store := newStore()
	store.err = refused
	b := newBreaker(t, store, new(journal))
	if err := b.Prime(context.Background()); !errors.Is(err, refused) {
		t.Errorf("the first read: %v", err)
	}
	if _, err := b.Stats(context.Background()); !errors.Is(err, refused) {
		t.Errorf("a monitor's: %v", err)
	}
}
