package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/session"
	"github.com/coldfuse/coldfuse/internal/testserver/mongolocal"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

const (
	historyPage = 50
	shortChat   = 100
	longChat    = 100_000
)

// history measures a page of a short and of a long session, in turns, and shows
// the query. How the times compare is promised where the server says that it
// uses the index: the local one plans nothing and reads the whole collection,
// so that its times are no more than what it can do. MONGODB_URI names another.
func history(ctx context.Context, _ string) ([]figure, error) {
	server, err := mongolocal.Start(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	short, err := newChat(ctx, server.URI, shortChat)
	if err != nil {
		return nil, err
	}
	defer short.close(ctx)
	long, err := newChat(ctx, server.URI, longChat)
	if err != nil {
		return nil, err
	}
	defer long.close(ctx)
	var ratios, times []float64
	for range 7 {
		a, err := short.page(ctx)
		if err != nil {
			return nil, err
		}
		b, err := long.page(ctx)
		if err != nil {
			return nil, err
		}
		ratios, times = append(ratios, b/a), append(times, b)
	}
	plan := long.plan(ctx)
	ratio := measured("page of 100,000 messages over page of 100, without an index", "%.1f", median(ratios))
	if plan == indexed {
		ratio = atMost("page of 100,000 messages over page of 100, median of pairs", "%.2f", median(ratios), 3)
	}
	return []figure{
		measured("queries of messages a page", "%d", long.queries()),
		measured("the query", "%s", long.query()),
		measured("what the server says of its plan", "%s", plan),
		measured("page of 100,000 messages, median, ms", "%.2f", median(times)),
		ratio,
	}, nil
}

// chat is a session with messages in a database of its own.
type chat struct {
	repository *session.Repository
	client     *mongo.Client
	db         *mongo.Database

	mu    sync.Mutex
	finds []bson.Raw // of messages, since the last page was begun
}

const owner, chatID = "bench", "chat"

func newChat(ctx context.Context, uri string, messages int) (*chat, error) {
	name := fmt.Sprintf("bench-%d-%d", os.Getpid(), messages)
	if _, err := session.CreateIndexes(ctx, uri, name); err != nil {
		return nil, err
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return nil, err
	}
	calls, err := guard.New(guard.Config{
		Retry: retry.Policy{MaxRetries: 0}, TryTimeout: 10 * time.Second, Operations: session.Operations,
		Classify: session.Classify, Retryable: session.Retryable, Report: func(context.Context, guard.Call) {},
	})
	if err != nil {
		return nil, err
	}
	c := &chat{client: client, db: client.Database(name)}
	c.repository = session.New(session.Config{
		URI: func(context.Context) (string, error) { return uri, nil }, Database: name, TTL: 30 * 24 * time.Hour, Guard: calls,
		Options: func(o *options.ClientOptions) { o.SetMonitor(&event.CommandMonitor{Started: c.started}) },
	})
	if _, _, err := c.repository.Ensure(ctx, owner, chatID, session.Data{}); err != nil {
		return nil, err
	}
	return c, c.fill(ctx, messages)
}

// fill appends a message as the function does, and copies it.
func (c *chat) fill(ctx context.Context, messages int) error {
	content := strings.Repeat("What blew the fuse? ", 10)
	if _, _, err := c.repository.Append(ctx, owner, chatID, "m1", "user", content); err != nil {
		return err
	}
	collection := c.db.Collection("messages")
	var first bson.M
	if err := collection.FindOne(ctx, bson.D{}).Decode(&first); err != nil {
		return err
	}
	life, ok := first["life"].(string)
	if !ok {
		return fmt.Errorf("a message without a life: %v", first)
	}
	var batch []any
	for n := 2; n <= messages; n++ {
		next := make(bson.M, len(first))
		for name, value := range first {
			next[name] = value
		}
		next["_id"], next["seq"] = fmt.Sprintf("%s:m%d", life, n), int64(n)
		if batch = append(batch, next); len(batch) < 5000 && n < messages {
			continue
		}
		if _, err := collection.InsertMany(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return nil
}

// started notes the queries of messages.
func (c *chat) started(_ context.Context, e *event.CommandStartedEvent) {
	if name, _ := e.Command.Lookup("find").StringValueOK(); name == "messages" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.finds = append(c.finds, append(bson.Raw(nil), e.Command...))
	}
}

// page reads the newest messages and gives what that took, in ms.
func (c *chat) page(ctx context.Context) (float64, error) {
	c.mu.Lock()
	c.finds = nil
	c.mu.Unlock()
	began := time.Now()
	page, _, err := c.repository.History(ctx, owner, chatID, "", historyPage)
	took := time.Since(began)
	if err == nil && len(page) != historyPage {
		err = fmt.Errorf("a page of %d messages", len(page))
	}
	return float64(took) / float64(time.Millisecond), err
}

func (c *chat) queries() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.finds)
}

// find is the last query of messages, without what the driver adds.
func (c *chat) find() bson.D {
	c.mu.Lock()
	defer c.mu.Unlock()
	var find bson.D
	for _, name := range []string{"find", "filter", "sort", "limit", "batchSize", "singleBatch"} {
		if value := c.finds[len(c.finds)-1].Lookup(name); !value.IsZero() {
			find = append(find, bson.E{Key: name, Value: value})
		}
	}
	return find
}

// query is the query as text that a row of a table can hold, the same in every
// run.
func (c *chat) query() string {
	text, err := bson.MarshalExtJSON(c.find(), false, false)
	if err != nil {
		return err.Error()
	}
	values := regexp.MustCompile(`"life":"[^"]*"|"\$date":"[^"]*"`)
	return "`" + values.ReplaceAllStringFunc(string(text), func(s string) string {
		name, _, _ := strings.Cut(s, ":")
		return name + `:"…"`
	}) + "`"
}

const indexed = "index life_seq, no sort"

// plan asks the server how it finds the page.
func (c *chat) plan(ctx context.Context) string {
	var answer bson.Raw
	command := bson.D{{Key: "explain", Value: c.find()}, {Key: "verbosity", Value: "queryPlanner"}}
	if err := c.db.RunCommand(ctx, command).Decode(&answer); err != nil {
		return "none: it cannot explain"
	}
	winning := answer.Lookup("queryPlanner", "winningPlan").String()
	if strings.Contains(winning, "IXSCAN") && strings.Contains(winning, "life_seq") && !strings.Contains(winning, `"SORT"`) {
		return indexed
	}
	return "another than the index life_seq"
}

func (c *chat) close(ctx context.Context) {
	c.repository.Close()
	_ = c.db.Drop(ctx)
	_ = c.client.Disconnect(ctx)
}
