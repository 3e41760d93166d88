package session

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// together makes requests at the same time and counts the answers' statuses.
func (s *site) together(requests []request) map[int]int {
	statuses := map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, r := range requests {
		all.Go(func() {
			w := s.do(r)
			mu.Lock()
			defer mu.Unlock()
			statuses[w.Code]++
		})
	}
	all.Wait()
	return statuses
}

func repeat(r request, times int) []request {
	all := make([]request, times)
	for i := range all {
		all[i] = r
	}
	return all
}

func wantStatuses(t *testing.T, got, want map[int]int) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
}

func TestFiftyEnsureCallsAtOnceMakeOneSession(t *testing.T) {
	s := newSite(t)
	got := s.together(repeat(request{method: "PUT", path: "/chat", body: `{"session_data":{"title":"one"}}`}, 50))
	wantStatuses(t, got, map[int]int{http.StatusCreated: 1, http.StatusOK: 49})
	if n := s.count(sessions, bson.D{}); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// By more connections than an environment has: few of them would put the
// messages in order.
func TestHundredAppendsAtOnceLoseNothingAndLeaveNoGap(t *testing.T) {
	s := newSiteAt(t, server.URI, soon, func(c *Config) {
		watch := c.Options
		c.Options = func(o *options.ClientOptions) { watch(o); o.SetMaxPoolSize(20) }
	})
	s.ensure("chat")
	var requests []request
	for i := range 100 {
		requests = append(requests, s.say(fmt.Sprint("m", i), "hello"))
	}
	wantStatuses(t, s.together(requests), map[int]int{http.StatusCreated: 100})
	turns := 0
	for _, name := range names(s.commands.take()) {
		if name == "insert" {
			turns++
		}
	}
	t.Logf("%d turns for 100 messages", turns)
	wantOrder(t, s.history("7"), 100)
}

func TestAMessageSentManyTimesAtOnceIsStoredOnce(t *testing.T) {
	s := newSite(t)
	s.ensure("chat")
	got := s.together(repeat(s.say("m1", "hello"), 50))
	wantStatuses(t, got, map[int]int{http.StatusCreated: 1, http.StatusOK: 49})
	wantOrder(t, s.history("50"), 1)
}

func TestOfManyUpdatesOfOneVersionOneWins(t *testing.T) {
	s := newSite(t)
	tag := s.ensure("chat")
	got := s.together(repeat(request{method: "PATCH", path: "/chat", match: tag, body: `{"session_data":{"title":"mine"}}`}, 50))
	wantStatuses(t, got, map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: 49})
	if version := want[sessionJSON](s, 200, request{method: "GET", path: "/chat"}).Version; version != 2 {
		t.Errorf("version %d, want 2", version)
	}
}
