package session

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/drivertest"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/xoptions"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
)

// newScripted returns a site whose server sends the replies, in turn.
func newScripted(t *testing.T, replies ...bson.D) *site {
	t.Helper()
	s := &site{t: t, commands: &commands{}}
	g, err := guard.New(guard.Config{
		Retry: soon, TryTimeout: tryTimeout, Operations: Operations, MaxConcurrent: 200,
		Classify: Classify, Retryable: Retryable, Report: s.report,
	})
	if err != nil {
		t.Fatal(err)
	}
	script := drivertest.NewMockDeployment(replies...)
	s.config = Config{
		URI:      func(context.Context) (string, error) { return "mongodb://ada:hunter2@db.example", nil },
		Database: "scripted", TTL: 24 * time.Hour, Guard: g, Now: s.now,
		Options: func(o *options.ClientOptions) {
			o.SetMonitor(s.commands.monitor())
			if err := xoptions.SetInternalClientOptions(o, "deployment", script); err != nil {
				t.Error(err)
			}
		},
	}
	s.repository = New(s.config)
	t.Cleanup(s.repository.Close)
	return s
}

// Replies of a server.

func stored(r record) bson.D {
	return bson.D{{Key: "ok", Value: 1}, {Key: "value", Value: r}}
}

func found(documents ...any) bson.D {
	return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{
		{Key: "id", Value: int64(0)}, {Key: "ns", Value: "scripted.sessions"}, {Key: "firstBatch", Value: append(bson.A{}, documents...)},
	}}}
}

func failed(code int, labels ...string) bson.D {
	return bson.D{
		{Key: "ok", Value: 0}, {Key: "code", Value: code}, {Key: "errmsg", Value: "db.example says hunter2"}, {Key: "errorLabels", Value: labels},
	}
}

func chatRecord() record {
	now := time.Now()
	return record{Key: "ada:chat", Owner: "ada", ID: "chat", Life: newLife(now), Version: 1, ExpireAt: now.Add(48 * time.Hour)}
}

func TestWhatAServersErrorMeans(t *testing.T) {
	const again = true
	for rule, c := range map[string]struct {
		reply  bson.D
		again  bool
		status int
		reason string
	}{
		"no longer primary":                       {failed(10107), again, 503, "not_primary"},
		"the primary steps down":                  {failed(189), again, 503, "not_primary"},
		"not primary, no secondary":               {failed(13435), again, 503, "not_primary"},
		"interrupted at shutdown":                 {failed(11600), again, 503, "not_primary"},
		"shutting down":                           {failed(91), again, 503, "code_91"},
		"a write that may be made again":          {failed(64, "RetryableWriteError"), again, 503, "code_64"},
		"an overloaded server":                    {failed(462, "SystemOverloadedError", "RetryableError"), again, 503, "code_462"},
		"out of the server's own time":            {failed(50), again, 503, "timeout"},
		"not allowed":                             {failed(13), !again, 502, "code_13"},
		"rejected credentials":                    {failed(18), !again, 502, "authentication"},
		"rejected credentials, with Atlas's code": {failed(8000), !again, 502, "authentication"},
		"a command that this server has not got":  {failed(59), !again, 502, "code_59"},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newScripted(t, c.reply, c.reply, c.reply, c.reply, c.reply)
			w := s.do(request{method: "GET", path: "/chat"})
			p := read[gateway.Problem](t, w)
			if w.Code != c.status || p.Reason != c.reason {
				t.Errorf("%d %+v", w.Code, p)
			}
			tries := map[bool]int{true: 4, false: 1}[c.again]
			if sent := s.commands.take(); len(sent) != tries || p.Attempts != tries {
				t.Errorf("%d commands, %d attempts, want %d", len(sent), p.Attempts, tries)
			}
			s.wantSecrecy(w.Body.String())
		})
	}
}

// What a server answers reports whether a session was made.
func TestWhetherASessionWasMade(t *testing.T) {
	for rule, c := range map[string]struct {
		replies []bson.D
		again   bool
	}{
		"not by a server that takes no writes":           {repeated(failed(10107), 5), true},
		"nor by one that has become a secondary":         {repeated(failed(13435), 5), true},
		"perhaps by one that steps down":                 {repeated(failed(189), 5), false},
		"perhaps by one that is shut down":               {repeated(failed(91, "RetryableWriteError"), 5), false},
		"perhaps by one that ran out of time":            {repeated(failed(50), 5), false},
		"perhaps by the first try, if not by the last":   {append([]bson.D{failed(91)}, repeated(failed(10107), 4)...), false},
		"perhaps, though the last was rejected outright": {[]bson.D{failed(91), failed(13), failed(13)}, false},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newScripted(t, c.replies...)
			wantAgain(t, s.do(request{method: "POST"}), c.again)
		})
	}
}

// Nor is a session made where no time was left to.
func TestACreateWithoutTimeIsRepeatable(t *testing.T) {
	s := newScripted(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, "POST", "/api/v1/sessions", nil)
	gateway.WithLocalSubject(Handler(s.repository), "ada").ServeHTTP(w, r)
	wantAgain(t, w, true)
}

// wantSecrecy checks that nothing of the connection string or of the server's
// words is in an answer or in an error.
func (s *site) wantSecrecy(answer string) {
	s.t.Helper()
	for _, secret := range []string{"hunter2", "db.example", "says"} {
		if strings.Contains(answer, secret) {
			s.t.Errorf("%q is in the answer: %s", secret, answer)
		}
		for err := s.calls[0].Err; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(err.Error(), secret) {
				s.t.Errorf("%q is in %v", secret, err)
			}
		}
	}
}

func TestAnUpsertThatTheServerFailsIsRepeated(t *testing.T) {
	s := newScripted(t, failed(11000), stored(chatRecord()))
	got := want[sessionJSON](s, 200, request{method: "PUT", path: "/chat"})
	if sent := names(s.commands.take()); got.ID != "chat" || len(sent) != 2 || s.calls[0].Attempts != 1 {
		t.Errorf("%+v, %v, %+v", got, sent, s.calls)
	}
}

func TestAWriteThatIsNotKnownToBeKeptIsMadeAgain(t *testing.T) {
	unsure := append(stored(chatRecord()), bson.E{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 91}, {Key: "errmsg", Value: "says"}}})
	s := newScripted(t, unsure, stored(chatRecord()))
	want[sessionJSON](s, 200, request{method: "PUT", path: "/chat"})
	if s.calls[0].Attempts != 2 {
		t.Errorf("%d tries", s.calls[0].Attempts)
	}
}

func TestAWriterWhomOthersAlwaysBeatGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var replies []bson.D
		for i := range 2 * maxTurns {
			duplicate := bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: "E11000"}}
			replies = append(replies, found(entry{Seq: 7}), bson.D{{Key: "ok", Value: 1}, {Key: "writeErrors", Value: bson.A{duplicate}}})
			if i%sameEvery == 0 {
				replies = append(replies, found())
			}
		}
		s := newScripted(t, replies...)
		db, err := s.repository.database.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = store(t.Context(), db.Collection(messages), entry{Key: "life:m1", Life: "life"})
		if turns := len(s.commands.take()) * sameEvery / (2*sameEvery + 1); err != ErrContended || turns != maxTurns {
			t.Errorf("%v after %d turns", err, turns)
		}
		if took := time.Since(began); took > maxTurns*maxPause || took == 0 {
			t.Errorf("after %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), maxPause)
		defer cancel()
		_, err = store(ctx, db.Collection(messages), entry{Key: "life:m1", Life: "life"})
		if err != errNoTurn || !Retryable(err) || len(s.commands.take()) == 0 {
			t.Errorf("%v at the end of a try", err)
		}
	})
	w := httptest.NewRecorder()
	writeProblem(w, httptest.NewRequest("POST", "/", nil), ErrContended, true)
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRejectedCredentialsAreReadAgainOnceAMinute(t *testing.T) {
	s := newScripted(t)
	var reads, reports int
	secret := "mongodb://ada:hunter2@db.example"
	s.config.URI = func(context.Context) (string, error) { reads++; return secret, nil }
	s.config.Rejected = func(context.Context) { reports++ }
	scripts := [][]bson.D{repeated(failed(18), 5), {found(chatRecord())}}
	s.config.Options = func(o *options.ClientOptions) {
		if err := xoptions.SetInternalClientOptions(o, "deployment", drivertest.NewMockDeployment(scripts[0]...)); err != nil {
			t.Error(err)
		}
		scripts = scripts[1:]
	}
	s.repository = New(s.config)
	start := time.Now()
	for _, step := range []struct {
		rule           string
		at             time.Duration
		secret         string
		status         int
		reads, reports int
	}{
		{"the secret was just read", 0, "mongodb://ada:hunter2@db.example", 502, 1, 1},
		{"a minute has not passed", 59 * time.Second, "mongodb://ada:hunter3@db.example", 502, 1, 2},
		{"it has not changed", 61 * time.Second, "mongodb://ada:hunter2@db.example", 502, 2, 3},
		{"that was less than a minute ago", 120 * time.Second, "mongodb://ada:hunter3@db.example", 502, 2, 4},
		{"it has changed, and the call is made again", 122 * time.Second, "mongodb://ada:hunter3@db.example", 200, 3, 5},
	} {
		s.at(start.Add(step.at))
		secret = step.secret
		if w := s.do(request{method: "GET", path: "/chat"}); w.Code != step.status || reads != step.reads || reports != step.reports {
			t.Errorf("%s: %d, read %d times, reported %d times", step.rule, w.Code, reads, reports)
		}
	}
}

func repeated(reply bson.D, times int) []bson.D {
	all := make([]bson.D, times)
	for i := range all {
		all[i] = reply
	}
	return all
}
