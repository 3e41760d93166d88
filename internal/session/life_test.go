package session

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestDeletingTakesTheMessagesAndCanBeRepeated(t *testing.T) {
	s := newSite(t)
	tag := s.ensure("chat")
	want[messageJSON](s, 201, s.say("m1", "hello"))
	for range 2 {
		want[nothing](s, 204, request{method: "DELETE", path: "/chat"})
	}
	if n := s.count(messages, bson.D{}); n != 0 {
		t.Errorf("%d messages remain", n)
	}
	if n := s.count(sessions, bson.D{{Key: "title", Value: bson.D{{Key: "$exists", Value: true}}}}); n != 0 {
		t.Error("the title remains")
	}
	s.wantGone(tag)
	if page := want[pageJSON[sessionJSON]](s, 200, request{method: "GET"}); len(page.Items) != 0 {
		t.Errorf("%+v", page)
	}
	want[nothing](s, 404, request{method: "DELETE", path: "/never"})
}

// wantGone checks that ada's session "chat" of that tag is not found.
func (s *site) wantGone(tag string) {
	s.t.Helper()
	for _, r := range []request{
		{method: "GET", path: "/chat"},
		{method: "PATCH", path: "/chat", match: tag, body: `{}`},
		{method: "GET", path: "/chat/messages"},
		s.say("m9", "hello"),
	} {
		want[nothing](s, 404, r)
	}
}

func TestAnIDUsedAgainShowsNoOldMessages(t *testing.T) {
	const day = 24 * time.Hour
	for rule, end := range map[string]func(s *site){
		"after it was deleted": func(s *site) { want[nothing](s, 204, request{method: "DELETE", path: "/chat"}) },
		"after deleting it broke off before the messages": func(s *site) {
			now := bson.D{{Key: "$set", Value: bson.D{{Key: fieldDeleted, Value: s.now()}}}}
			if _, err := s.mongo.Collection(sessions).UpdateOne(s.t.Context(), bson.D{}, now); err != nil {
				s.t.Fatal(err)
			}
		},
		"after it expired and was not swept yet": func(s *site) { s.at(s.now().Add(11*day + time.Second)) },
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t)
			old := s.ensure("chat")
			want[messageJSON](s, 201, s.say("m1", "old"))
			end(s)
			s.wantGone(old)
			tag := s.ensure("chat")
			if history := s.history("10"); len(history) != 0 {
				t.Errorf("%+v", history)
			}
			want[nothing](s, 412, request{method: "PATCH", path: "/chat", match: old, body: `{}`})
			want[sessionJSON](s, 200, request{method: "PATCH", path: "/chat", match: tag, body: `{}`})
			want[messageJSON](s, 201, s.say("m1", "new"))
			if history := s.history("10"); len(history) != 1 || history[0].Content != "new" || history[0].Seq != 1 {
				t.Errorf("%+v", history)
			}
			if strings.HasSuffix(rule, "messages") && s.count(messages, bson.D{}) != 1 {
				t.Error("the deleted session's messages remain")
			}
		})
	}
}

func TestWritingPutsExpiryOff(t *testing.T) {
	const day = 24 * time.Hour
	for rule, write := range map[string]func(s *site, tag string) request{
		"a message": func(s *site, _ string) request { return s.say("m2", "hello") },
		"an update": func(_ *site, tag string) request {
			return request{method: "PATCH", path: "/chat", match: tag, body: `{}`}
		},
		"another entry": func(*site, string) request { return request{method: "PUT", path: "/chat"} },
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t)
			start := time.Now()
			s.at(start)
			tag := s.ensure("chat")
			s.at(start.Add(10 * day))
			if w := s.do(write(s, tag)); w.Code >= 300 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			s.at(start.Add(20 * day))
			want[sessionJSON](s, 200, request{method: "GET", path: "/chat"})
			s.at(start.Add(21*day + time.Second))
			want[nothing](s, 404, request{method: "GET", path: "/chat"})
		})
	}
}

func TestReadingDoesNotPutExpiryOff(t *testing.T) {
	s := newSite(t)
	start := s.now()
	s.at(start)
	s.ensure("chat")
	s.at(start.Add(10 * 24 * time.Hour))
	for _, path := range []string{"/chat", "/chat/messages", ""} {
		want[nothing](s, 200, request{method: "GET", path: path})
	}
	s.at(start.Add(11*24*time.Hour + time.Second))
	want[nothing](s, 404, request{method: "GET", path: "/chat"})
	if page := want[pageJSON[sessionJSON]](s, 200, request{method: "GET"}); len(page.Items) != 0 {
		t.Errorf("expired, and listed: %+v", page)
	}
}

func TestOldMessagesOfALiveSessionExpire(t *testing.T) {
	s := newSite(t)
	start := s.now()
	s.at(start)
	s.ensure("chat")
	want[messageJSON](s, 201, s.say("m1", "old"))
	s.at(start.Add(9 * 24 * time.Hour))
	want[messageJSON](s, 201, s.say("m2", "new"))
	s.at(start.Add(11 * 24 * time.Hour))
	if history := s.history("10"); len(history) != 1 || history[0].ID != "m2" || history[0].Seq != 2 {
		t.Errorf("%+v", history)
	}
}

func TestMessagesNeverOutliveTheirSession(t *testing.T) {
	s := newSite(t)
	start := s.now()
	for hours := range 30 {
		s.at(start.Add(time.Duration(hours) * 11 * time.Hour))
		if w := s.do(request{method: "PUT", path: "/chat"}); w.Code >= http.StatusMultipleChoices {
			t.Fatal(w.Code)
		}
		want[messageJSON](s, 201, s.say("m"+newID(), "hello"))
		var session record
		if err := s.mongo.Collection(sessions).FindOne(t.Context(), bson.D{}).Decode(&session); err != nil {
			t.Fatal(err)
		}
		if n := s.count(messages, bson.D{{Key: fieldExpiry, Value: after(session.ExpireAt)}}); n != 0 {
			t.Errorf("%d messages expire after their session", n)
		}
	}
}
