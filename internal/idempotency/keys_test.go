package idempotency_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/internal/idempotency"
	"github.com/coldfuse/coldfuse/internal/idempotency/memstore"
)

// lossy is a Store whose next operations may be lost.
type lossy struct {
	idempotency.Store
	lost       int // how many writes fail before they are performed
	unanswered int // and how many after it
	unread     int // how many reads fail
}

var errLost = errors.New("lost")

func (l *lossy) Load(ctx context.Context, id string) (idempotency.Record, error) {
	if l.unread > 0 {
		l.unread--
		return idempotency.Record{}, errLost
	}
	return l.Store.Load(ctx, id)
}

func (l *lossy) Change(ctx context.Context, id string, from, to idempotency.Record) (idempotency.Record, bool, error) {
	if l.lost > 0 {
		l.lost--
		return idempotency.Record{}, false, errLost
	}
	now, held, err := l.Store.Change(ctx, id, from, to)
	if l.unanswered > 0 {
		l.unanswered--
		return idempotency.Record{}, false, errLost
	}
	return now, held, err
}

var key = idempotency.Key{Operation: "op", Subject: "s", Value: "k", Payload: "p"}

// fleet returns Keys of several environments on one store.
func fleet(s idempotency.Store) func() *idempotency.Keys {
	return func() *idempotency.Keys { return idempotency.New(idempotency.Config{Store: s}) }
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func mustClaim(t *testing.T, k *idempotency.Keys, d time.Duration, want idempotency.Step) *idempotency.Claim {
	t.Helper()
	claim, err := k.Claim(within(t, d), key)
	if err != nil || claim.Step() != want {
		t.Fatalf("got %+v, %v, want step %d", claim, err, want)
	}
	return claim
}

func TestAWaitingCallGetsTheIssue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := fleet(memstore.New())
		first := mustClaim(t, keys(), 20*time.Second, idempotency.Send)
		time.AfterFunc(5*time.Second, func() { first.Complete(context.Background(), "1", "OPS-1") })
		began := time.Now()
		second := mustClaim(t, keys(), 20*time.Second, idempotency.Replay)
		if id, key := second.Issue(); id != "1" || key != "OPS-1" || time.Since(began) > 6*time.Second {
			t.Errorf("%s %s after %s", id, key, time.Since(began))
		}
	})
}

func TestAWaitingCallOutlastsAStoreOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &lossy{Store: memstore.New()}
		keys := fleet(store)
		first := mustClaim(t, keys(), 20*time.Second, idempotency.Send)
		store.unread = 5
		time.AfterFunc(9*time.Second, func() { first.Complete(context.Background(), "1", "OPS-1") })
		mustClaim(t, keys(), 20*time.Second, idempotency.Replay)
		if store.unread != 0 {
			t.Errorf("%d looks were not made", store.unread)
		}
	})
}

func TestAWaitingCallSendsIfTheOtherCreatedNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := fleet(memstore.New())
		first := mustClaim(t, keys(), 20*time.Second, idempotency.Send)
		time.AfterFunc(2*time.Second, func() { first.Release(context.Background()) })
		mustClaim(t, keys(), 20*time.Second, idempotency.Send)
	})
}

func TestAWaitingCallReturnsTheOthersUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := fleet(memstore.New())
		first := mustClaim(t, keys(), 20*time.Second, idempotency.Send)
		time.AfterFunc(2*time.Second, func() { first.Unknown(context.Background()) })
		mustClaim(t, keys(), 20*time.Second, idempotency.Unsure)
		mustClaim(t, keys(), 20*time.Second, idempotency.LookUp) // a later one looks for itself
	})
}

func TestACallThatCannotWaitReturnsARetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := fleet(memstore.New())
		mustClaim(t, keys(), 20*time.Second, idempotency.Send)
		_, err := keys().Claim(within(t, 6*time.Second), key)
		var busy *idempotency.InProgressError
		if !errors.As(err, &busy) || busy.RetryAfter() != 5*time.Second {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnExpiredLeaseIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := fleet(memstore.New())
		dead := mustClaim(t, keys(), 10*time.Second, idempotency.Send)
		second := mustClaim(t, keys(), 25*time.Second, idempotency.LookUp)
		if second.MaySend() || second.Settles() < 9*time.Minute {
			t.Errorf("may send %v, settles in %s", second.MaySend(), second.Settles())
		}
		if dead.Live() {
			t.Error("the dead one may still send")
		}
		if err := dead.Unlabel(context.Background()); err == nil {
			t.Error("what the dead one writes is taken")
		}
		second.Release(context.Background())
		time.Sleep(10*time.Minute + time.Second)
		third := mustClaim(t, keys(), 10*time.Second, idempotency.LookUp)
		if !third.MaySend() || third.Settles() != 0 || third.Age() < 10*time.Minute {
			t.Errorf("may send %v, settles in %s", third.MaySend(), third.Settles())
		}
	})
}

func TestTheIssueOfALateCallIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := fleet(memstore.New())
		slow := mustClaim(t, keys(), 10*time.Second, idempotency.Send)
		second := mustClaim(t, keys(), 25*time.Second, idempotency.LookUp)
		slow.Complete(context.Background(), "1", "OPS-1")
		second.Release(context.Background())
		replay := mustClaim(t, keys(), 10*time.Second, idempotency.Replay)
		if _, issue := replay.Issue(); issue != "OPS-1" {
			t.Error(issue)
		}
		second.Complete(context.Background(), "2", "OPS-2") // an issue is never replaced
		if _, issue := mustClaim(t, keys(), 10*time.Second, idempotency.Replay).Issue(); issue != "OPS-1" {
			t.Error(issue)
		}
	})
}

func TestWithoutAReplyToTheClaimThereIsNoLease(t *testing.T) {
	m := &lossy{Store: memstore.New()}
	keys := fleet(m)
	m.unanswered = 1
	var away *idempotency.StoreError
	if _, err := keys().Claim(within(t, time.Minute), key); !errors.As(err, &away) {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsSentDuringAStoreOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &lossy{Store: memstore.New()}
		keys := fleet(m)
		var away *idempotency.StoreError
		m.lost = 1
		if _, err := keys().Claim(within(t, time.Minute), key); !errors.As(err, &away) || !errors.Is(err, errLost) {
			t.Errorf("got %v", err)
		}
		var reported []error
		k := idempotency.New(idempotency.Config{Store: m, Report: func(_ context.Context, err error) { reported = append(reported, err) }})
		claim := mustClaim(t, k, time.Minute, idempotency.Send)
		m.lost = 1
		claim.Complete(t.Context(), "1", "OPS-1")
		if len(reported) != 1 || !errors.Is(reported[0], errLost) {
			t.Errorf("reported %v", reported)
		}
	})
}

// A reply that is lost leaves a call behind its own record.
func TestACallRecognisesItsOwnWrite(t *testing.T) {
	store := &lossy{Store: memstore.New()}
	keys := fleet(store)
	claim := mustClaim(t, keys(), time.Minute, idempotency.Send)
	store.unanswered = 1
	if err := claim.Unlabel(t.Context()); err == nil {
		t.Error("what is not known to be recorded is taken for recorded")
	}
	claim.Release(t.Context())
	mustClaim(t, keys(), time.Minute, idempotency.Send)
}

func TestAKeyIsForgottenADayAfterItsLastLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := fleet(memstore.New())
		mustClaim(t, keys(), 10*time.Second, idempotency.Send).Complete(context.Background(), "1", "OPS-1")
		time.Sleep(24 * time.Hour)
		mustClaim(t, keys(), 10*time.Second, idempotency.Replay)
		time.Sleep(11 * time.Second)
		again := mustClaim(t, keys(), 10*time.Second, idempotency.Send)
		if again.Age() != 0 {
			t.Errorf("it is looked for in the time of the forgotten one: %s", again.Age())
		}
	})
}

func TestAnotherPayloadIsAMismatchUnlessNothingWasCreated(t *testing.T) {
	keys := fleet(memstore.New())
	other := key
	other.Payload = "q"
	first := mustClaim(t, keys(), time.Minute, idempotency.Send)
	if _, err := keys().Claim(within(t, time.Minute), other); !errors.Is(err, idempotency.ErrMismatch) {
		t.Errorf("got %v", err)
	}
	first.Release(context.Background())
	if claim, err := keys().Claim(within(t, time.Minute), other); err != nil || claim.Step() != idempotency.Send {
		t.Errorf("a corrected request is rejected: %v", err)
	}
}

func TestTheOutcomeIsRecordedEvenIfTheCallerIsGone(t *testing.T) {
	m := &lossy{Store: memstore.New()}
	keys := fleet(m)
	claim := mustClaim(t, keys(), time.Minute, idempotency.Send)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	claim.Complete(gone, "1", "OPS-1")
	mustClaim(t, keys(), time.Minute, idempotency.Replay)
}
