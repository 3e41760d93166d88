package session

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/testserver/mongolocal"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// newFaultySite makes a site that reaches its database through a proxy.
func newFaultySite(t *testing.T, policy retry.Policy, adjust func(*Config)) (*site, *mongolocal.Proxy) {
	t.Helper()
	if server.Address == "" {
		t.Fatal("faults need a server that the tests start: unset MONGODB_URI")
	}
	proxy, err := mongolocal.StartProxy("127.0.0.1:0", server.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close) // after the site's own clean-up
	return newSiteAt(t, proxy.URI(), policy, adjust), proxy
}

func (s *site) fault(p *mongolocal.Proxy, f mongolocal.Fault) {
	s.t.Helper()
	if err := p.Set(f); err != nil {
		s.t.Fatal(err)
	}
}

// deed is a request, the commands that it sends, and what it leaves behind.
type deed struct {
	request
	commands []string
	status   int
	sessions int64 // besides "chat", whose tag is put in for If-Match
	messages int64 // besides m1
	version  int64 // of "chat", 0: it is gone
}

var deeds = map[string]deed{
	"create_session":        {request: request{method: "POST"}, commands: []string{"findAndModify"}, status: 201, sessions: 1, version: 1},
	"ensure_session_exists": {request: request{method: "PUT", path: "/new"}, commands: []string{"findAndModify"}, status: 201, sessions: 1, version: 1},
	"list_sessions":         {request: request{method: "GET"}, commands: []string{"find"}, status: 200, version: 1},
	"get_session":           {request: request{method: "GET", path: "/chat"}, commands: []string{"find"}, status: 200, version: 1},
	"update_session": {
		request: request{method: "PATCH", path: "/chat", body: `{"session_data":{"title":"t"}}`}, commands: []string{"findAndModify"}, status: 200, version: 2,
	},
	"delete_session": {
		request: request{method: "DELETE", path: "/chat"}, commands: []string{"findAndModify", "delete"}, status: 204, messages: -1,
	},
	"append_message": {
		request:  request{method: "POST", path: "/chat/messages", body: `{"id":"m2","role":"user","content":"x"}`},
		commands: []string{"find", "listIndexes", "insert"}, status: 201, messages: 1, version: 1,
	},
	"append_message without an id": {
		request:  request{method: "POST", path: "/chat/messages", body: `{"role":"user","content":"x"}`},
		commands: []string{"find", "listIndexes", "insert"}, status: 201, messages: 1, version: 1,
	},
	"get_session_history": {request: request{method: "GET", path: "/chat/messages"}, commands: []string{"find"}, status: 200, version: 1},
}

// prepare makes the session "chat" with the message m1, without the driver's
// knowledge of the proxy.
func (s *site) prepare() (tag string) {
	s.t.Helper()
	direct := s.config
	direct.URI = func(context.Context) (string, error) { return server.URI, nil }
	direct.Options = nil
	own := &site{t: s.t, repository: New(direct)}
	defer own.repository.Close()
	tag = own.ensure("chat")
	want[messageJSON](own, 201, own.say("m1", "hello"))
	s.calls = nil
	return tag
}

// wantDone checks what the deed has left behind.
func (s *site) wantDone(d deed) {
	s.t.Helper()
	if n := s.count(sessions, bson.D{}); n != 1+d.sessions {
		s.t.Errorf("%d sessions, want %d", n, 1+d.sessions)
	}
	if n := s.count(messages, bson.D{}); n != 1+d.messages {
		s.t.Errorf("%d messages, want %d", n, 1+d.messages)
	}
	var chat record
	if err := s.mongo.Collection(sessions).FindOne(s.t.Context(), bson.D{{Key: "session_id", Value: "chat"}}).Decode(&chat); err != nil {
		s.t.Fatal(err)
	}
	if gone := chat.DeletedAt != nil; gone != (d.version == 0) || !gone && chat.Version != d.version {
		s.t.Errorf("version %d, deleted at %v; want version %d", chat.Version, chat.DeletedAt, d.version)
	}
}

// together runs the cases of a test at the same time, all of them: they wait
// for the driver more than they work.
type together struct {
	t *testing.T
	sync.WaitGroup
}

func (c *together) run(name string, test func(t *testing.T)) {
	c.Go(func() { c.t.Run(name, test) })
}

func TestWhatIsCutOffHappensExactlyOnce(t *testing.T) {
	cases := together{t: t}
	defer cases.Wait()
	for name, d := range deeds {
		for _, mode := range []mongolocal.Mode{mongolocal.CutBefore, mongolocal.CutAfter} {
			for _, command := range d.commands {
				cases.run(fmt.Sprintf("%s/%s_%s", name, mode, command), func(t *testing.T) {
					s, proxy := newFaultySite(t, soon, nil)
					d := d
					d.match = s.prepare()
					s.fault(proxy, mongolocal.Fault{Mode: mode, Command: command, Times: 3})
					want[nothing](s, d.status, d.request)
					s.wantDone(d)
					if s.calls[0].Attempts != 4 {
						t.Errorf("%d tries", s.calls[0].Attempts)
					}
				})
			}
		}
	}
}

func TestTheServerSeesAtMostFourTries(t *testing.T) {
	cases := together{t: t}
	defer cases.Wait()
	for name, d := range deeds {
		for _, command := range d.commands {
			cases.run(name+"/"+command, func(t *testing.T) {
				s, proxy := newFaultySite(t, soon, nil)
				d := d
				d.match = s.prepare()
				before := proxy.Counts()[command]
				s.fault(proxy, mongolocal.Fault{Mode: mongolocal.CutBefore, Command: command})
				w := s.do(d.request)
				p := read[gateway.Problem](t, w)
				if n := proxy.Counts()[command] - before; n != 4 || p.Attempts != 4 || p.Reason != reasonConnection {
					t.Errorf("%d commands, %+v", n, p)
				}
				wantAgain(t, w, d.repeatable() || command != "findAndModify" && command != "insert")
			})
		}
	}
}

// repeatable reports whether the deed has the same effect when it is done again.
func (d deed) repeatable() bool { return d.method != "POST" || strings.HasPrefix(d.body, `{"id"`) }

// wantAgain checks that the client is told whether to send its request again:
// not one that may have been performed and would be again.
func wantAgain(t *testing.T, w *httptest.ResponseRecorder, again bool) {
	t.Helper()
	status, kind := http.StatusBadGateway, "outcome-unknown"
	if again {
		status, kind = http.StatusServiceUnavailable, "upstream-unavailable"
	}
	p := read[gateway.Problem](t, w)
	if w.Code != status || p.Type != "urn:coldfuse:problem:"+kind || p.Retryable == nil || *p.Retryable != again || (w.Header().Get("Retry-After") != "") != again {
		t.Errorf("%d %s, Retry-After %q", w.Code, w.Body, w.Header().Get("Retry-After"))
	}
}

func TestASlowServerIsWaitedFor(t *testing.T) {
	cases := together{t: t}
	defer cases.Wait()
	for name, d := range deeds {
		cases.run(name, func(t *testing.T) {
			s, proxy := newFaultySite(t, soon, nil)
			d := d
			d.match = s.prepare()
			s.fault(proxy, mongolocal.Fault{Mode: mongolocal.Delay, Delay: 100 * time.Millisecond})
			want[nothing](s, d.status, d.request)
			s.wantDone(d)
			if s.calls[0].Attempts != 1 {
				t.Errorf("%d tries", s.calls[0].Attempts)
			}
		})
	}
}

// A lost reply is followed by changes of others before the next try.
func TestALostReplyIsKnownAlsoBehindTheChangesOfOthers(t *testing.T) {
	s, proxy := newFaultySite(t, soon, nil)
	tag := s.prepare()
	others := func() {
		for range keptWriters - 1 {
			change := bson.D{
				{Key: "$inc", Value: bson.D{{Key: fieldVersion, Value: 1}}},
				{Key: "$push", Value: bson.D{{Key: fieldWriters, Value: "other"}}},
			}
			if _, err := s.mongo.Collection(sessions).UpdateOne(t.Context(), bson.D{}, change); err != nil {
				t.Error(err)
			}
		}
	}
	tries := 0
	s.config.Options = func(o *options.ClientOptions) {
		m := s.commands.monitor()
		o.SetMonitor(m)
		started := m.Started
		m.Started = func(ctx context.Context, e *event.CommandStartedEvent) {
			if e.CommandName == "findAndModify" {
				if tries++; tries == 2 {
					others()
				}
			}
			started(ctx, e)
		}
	}
	s.repository = New(s.config)
	s.fault(proxy, mongolocal.Fault{Mode: mongolocal.CutAfter, Command: "findAndModify", Times: 1})
	got := want[sessionJSON](s, 200, request{method: "PATCH", path: "/chat", match: tag, body: `{"session_data":{"title":"mine"}}`})
	if got.Title != "mine" || got.Version != 1+keptWriters || tries != 2 {
		t.Errorf("%+v after %d tries", got, tries)
	}
}

// sessionsPolicy is what the function is deployed with.
func sessionsPolicy(t *testing.T) retry.Policy {
	t.Helper()
	profile, err := guard.ProfileNamed("sessions")
	if err != nil {
		t.Fatal(err)
	}
	return profile.Retry
}

func TestAnUnreachableDatabaseIsReportedSoonAndLeavesNothingHalfWritten(t *testing.T) {
	cases := together{t: t}
	defer cases.Wait()
	const most = serverSelection + time.Second
	for rule, c := range map[string]struct {
		warm   bool
		fault  mongolocal.Fault
		reason string
	}{
		"it refuses new connections":      {false, mongolocal.Fault{Mode: mongolocal.Refuse}, reasonConnection},
		"it refuses and has hung up":      {true, mongolocal.Fault{Mode: mongolocal.Refuse}, reasonConnection},
		"new connections hang":            {false, mongolocal.Fault{Mode: mongolocal.Hang}, reasonConnection},
		"connections there were now hang": {true, mongolocal.Fault{Mode: mongolocal.Hang}, reasonTimeout},
	} {
		for _, name := range []string{"create_session", "append_message", "get_session_history"} {
			cases.run(rule+"/"+name, func(t *testing.T) {
				s, proxy := newFaultySite(t, sessionsPolicy(t), nil)
				d := deeds[name]
				d.match = s.prepare()
				if c.warm {
					want[nothing](s, 200, request{method: "GET", path: "/chat"})
				}
				s.fault(proxy, c.fault)
				began := time.Now()
				w := s.do(d.request)
				took := time.Since(began)
				if p := read[gateway.Problem](t, w); took > most || p.Reason != c.reason {
					t.Errorf("%d after %s: %+v", w.Code, took, p)
				}
				// Over a connection that has gone something may have been sent.
				wantAgain(t, w, d.repeatable() || !c.warm || w.Code == http.StatusServiceUnavailable && c.fault.Mode == mongolocal.Refuse)
				s.wantDone(deed{version: 1})
				s.fault(proxy, mongolocal.Fault{})
				want[nothing](s, d.status, d.request)
				s.wantDone(d)
			})
		}
	}
}

// A caller may have less time than the driver looks for a server.
func TestACreateThatFoundNoServerInItsTimeIsRepeatable(t *testing.T) {
	s, proxy := newFaultySite(t, sessionsPolicy(t), nil)
	s.fault(proxy, mongolocal.Fault{Mode: mongolocal.Refuse})
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, "POST", "/api/v1/sessions", nil)
	gateway.WithLocalSubject(Handler(s.repository), "ada").ServeHTTP(w, r)
	wantAgain(t, w, true)
	if p := read[gateway.Problem](t, w); p.Reason != reasonConnection {
		t.Errorf("%+v", p)
	}
}
