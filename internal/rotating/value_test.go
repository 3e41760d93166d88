package rotating

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// source returns 1, 2, 3 …, or its error.
type source struct {
	reads int
	err   error
}

func (s *source) read(context.Context) (int, error) { s.reads++; return s.reads, s.err }

func valueOf(s *source) *Value[int] {
	return New(Config[int]{Read: s.read, Every: time.Minute, Now: time.Now, Final: func(err error) bool { return err == errFinal }})
}

var errFinal = errors.New("final")

func positive(n int) bool { return n > 0 }

func TestAUsableValueIsNotReadAgain(t *testing.T) {
	var s source
	v := valueOf(&s)
	for range 3 {
		if n, err := v.Get(t.Context(), positive); n != 1 || err != nil || s.reads != 1 {
			t.Errorf("%d, %v after %d reads", n, err, s.reads)
		}
	}
}

func TestARejectedValueIsReadAgainAtMostOnceInTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s source
		v := valueOf(&s)
		v.Set(7)
		for _, want := range []struct {
			after   time.Duration
			reject  int
			renewed bool
			reads   int
		}{
			{0, 7, true, 1},                 // to 1
			{0, 7, true, 1},                 // another caller's rejection of the old one
			{59 * time.Second, 1, false, 1}, // too soon
			{time.Second, 1, true, 2},
		} {
			time.Sleep(want.after)
			if n, renewed, err := v.Renew(t.Context(), want.reject); renewed != want.renewed || err != nil || s.reads != want.reads {
				t.Errorf("%+v: %d, %v, %v after %d reads", want, n, renewed, err, s.reads)
			}
		}
	})
}

func TestAFinalErrorIsCachedAndAnyOtherIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := source{err: errors.New("passing")}
		v := valueOf(&s)
		for want := range 3 {
			if _, err := v.Get(t.Context(), positive); err != s.err || s.reads != want+1 {
				t.Errorf("%v after %d reads", err, s.reads)
			}
		}
		s.err = errFinal
		for range 3 {
			if _, err := v.Get(t.Context(), positive); err != errFinal || s.reads != 4 {
				t.Errorf("%v after %d reads", err, s.reads)
			}
		}
		time.Sleep(time.Minute)
		s.err = nil
		if _, err := v.Get(t.Context(), positive); err != nil {
			t.Error(err)
		}
	})
}

func TestOneCallerReadsAndTheOthersWaitNoLongerThanTheirContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := New(Config[int]{Every: time.Minute, Now: time.Now, Read: func(context.Context) (int, error) {
			time.Sleep(time.Second)
			return 1, nil
		}})
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if n, err := v.Get(t.Context(), positive); n != 1 || err != nil {
					t.Errorf("%d, %v", n, err)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := v.Get(ctx, positive); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		all.Wait()
		if time.Since(began) != time.Second {
			t.Errorf("%s for one read of 1 s", time.Since(began))
		}
	})
}
