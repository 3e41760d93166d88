package session

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

func TestAPageOfHistoryIsOneQueryOfTheIndex(t *testing.T) {
	s := newSite(t)
	s.ensure("chat")
	for i := range 7 {
		want[messageJSON](s, 201, s.say(fmt.Sprint("m", i), "hello"))
	}
	first := want[pageJSON[messageJSON]](s, 200, request{method: "GET", path: "/chat/messages?limit=3"})
	s.commands.take()
	second := want[pageJSON[messageJSON]](s, 200, request{method: "GET", path: "/chat/messages?limit=3&page_token=" + first.Next})
	if got := fmt.Sprint(first.Items[0].Seq, first.Items[2].Seq, second.Items[0].Seq, second.Items[2].Seq); got != "7 5 4 2" {
		t.Errorf("pages of %s", got)
	}
	sent := s.commands.take()
	if got := names(sent); fmt.Sprint(got) != "[find find]" {
		t.Fatalf("sent %v", got)
	}
	// The session by its _id, then the messages: equal, and in a range, in what
	// the unique index begins with, in its order, as many as the page holds and
	// one, of one batch.
	t.Log(sent[1])
	for path, value := range map[string]any{
		"find": "messages", "limit": int64(4), "singleBatch": true, "sort": bson.D{{Key: "seq", Value: int32(-1)}},
	} {
		if got := lookup(t, sent[1], path); fmt.Sprint(got) != fmt.Sprint(value) {
			t.Errorf("%s is %v, want %v", path, got, value)
		}
	}
	filter, _ := lookup(t, sent[1], "filter").(bson.D)
	if len(filter) != 3 || filter[0].Key != "life" || filter[1].Key != "seq" || fmt.Sprint(filter[1].Value) != fmt.Sprint(bson.D{{Key: "$lt", Value: int64(5)}}) || filter[2].Key != "expire_at" {
		t.Errorf("filter %v", filter)
	}
	if byID := lookup(t, sent[0], "filter"); fmt.Sprint(byID) != fmt.Sprint(bson.D{{Key: "_id", Value: "ada:chat"}}) {
		t.Errorf("filter of the session %v", byID)
	}
}

func lookup(t *testing.T, command bson.Raw, name string) any {
	t.Helper()
	var d bson.D
	if err := bson.Unmarshal(command, &d); err != nil {
		t.Fatal(err)
	}
	for _, e := range d {
		if e.Key == name {
			return e.Value
		}
	}
	return nil
}

func TestEveryPageFitsALambdaAnswer(t *testing.T) {
	s := newSite(t)
	s.ensure("chat")
	var stored record
	if err := s.mongo.Collection(sessions).FindOne(t.Context(), bson.D{}).Decode(&stored); err != nil {
		t.Fatal(err)
	}
	// As many of the worst as are too many for one batch of MongoDB's.
	const count = 80
	content := strings.Repeat("<", maxContent)
	for i := range count {
		_, err := s.mongo.Collection(messages).InsertOne(t.Context(), entry{
			Key: fmt.Sprintf("%s:m%d", stored.Life, i), Life: stored.Life, Seq: int64(i) + 1, Role: User, Content: content, ExpireAt: stored.ExpireAt,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	handler := gateway.Adapt(gateway.WithLocalSubject(Handler(s.repository), "ada"), func(context.Context, any, []byte) {})
	seen := int64(0)
	for query := "limit=200"; query != ""; {
		event := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: "/api/v1/sessions/chat/messages", RawQueryString: query}
		event.RequestContext.HTTP.Method = http.MethodGet
		answer, err := handler(t.Context(), event)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("%v %d %.200s", err, answer.StatusCode, answer.Body)
		}
		var page pageJSON[messageJSON]
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Items {
			if m.Seq != count-seen {
				t.Fatalf("number %d after %d", m.Seq, seen)
			}
			seen++
		}
		if query = ""; page.Next != "" {
			query = "limit=200&page_token=" + page.Next
		}
	}
	if seen != count {
		t.Errorf("%d messages, want %d", seen, count)
	}
}

// encoded is JSON as handlers write it, and as aws-lambda-go writes events.
func encoded(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func FuzzWeightIsNoLessThanWhatLambdaSends(f *testing.F) {
	for _, seed := range []string{"", "hello", "\x00\x1f\n\"\\", "<>&'", "  é€😀\x7f", "\xe2\x80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		m := Message{ID: strings.Repeat("x", maxID), Seq: 1 << 62, Role: Assistant, Content: strings.ToValidUTF8(content, "�")}
		sent := encoded(t, encoded(t, m))
		if weight := weigh(m); weight < len(sent) {
			t.Errorf("weighs %d, sends %d", weight, len(sent))
		}
	})
}
