package dynamostore_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// The promise of the healthy path, on the real adapter: no write, and a read
// every 0.9 s at most. The clock is the test's, so that a minute takes none.
func TestHealthyPathReadsAboutOnceASecondAndWritesNothing(t *testing.T) {
	_, table := server.Table(t)
	requests := &requestLog{RoundTripper: http.DefaultTransport}
	store := dynamostore.New(dynamostore.NewClient(server.Getenv, requests), table)
	clock := time.UnixMilli(1_800_000_000_000)
	var mu sync.Mutex
	b, err := breaker.New(breaker.Config{
		Settings: breaker.Settings{Name: "jira_api"}, Store: store,
		Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Prime(context.Background()); err != nil {
		t.Fatal(err)
	}
	const seconds, rate = 60, 100
	for range seconds * rate {
		mu.Lock()
		clock = clock.Add(time.Second / rate)
		mu.Unlock()
		if err := b.Do(context.Background(), func(context.Context, *breaker.Permit) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	reads, writes := requests.reads.Load(), requests.writes.Load()
	if writes != 0 || reads > seconds*10/9+4 { // some for requests that a busy machine sends again
		t.Errorf("%d reads and %d writes in %d s", reads, writes, seconds)
	}
}

// requestLog counts the requests that leave.
type requestLog struct {
	http.RoundTripper
	reads, writes atomic.Int32
}

func (l *requestLog) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") {
		l.reads.Add(1)
	} else {
		l.writes.Add(1)
	}
	return l.RoundTripper.RoundTrip(r)
}
