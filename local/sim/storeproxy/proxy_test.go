package storeproxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/wait"
)

// newStore returns a proxy in front of a store that counts what it performs.
func newStore(t *testing.T) (*Proxy, *atomic.Int32) {
	t.Helper()
	var performed atomic.Int32
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		performed.Add(1)
		io.WriteString(w, "done")
	}))
	t.Cleanup(store.Close)
	p, err := Start("127.0.0.1:0", store.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, &performed
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func send(client *http.Client, p *Proxy, limit time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", p.Endpoint(), strings.NewReader("{}"))
	if err != nil {
		return "", err
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.UpdateItem")
	response, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return string(b), err
}

func TestFaults(t *testing.T) {
	const limit = 300 * time.Millisecond
	cases := []struct {
		rule      string
		fault     Fault
		want      error // nil: answered
		performed int32
		counted   int
	}{
		{"without a fault requests pass", Fault{}, nil, 1, 1},
		{"requests do not arrive while connections are refused", Fault{Mode: Refuse}, syscall.ECONNREFUSED, 0, 0},
		{"hung requests are not performed", Fault{Mode: Hang}, context.DeadlineExceeded, 0, 1},
		{"a delayed request is performed", Fault{Mode: Delay, Delay: 20 * time.Millisecond}, nil, 1, 1},
		{"a delay beyond the client's deadline", Fault{Mode: Delay, Delay: time.Hour}, context.DeadlineExceeded, 0, 1},
		{"a reset request is not performed", Fault{Mode: Reset}, syscall.ECONNRESET, 0, 1},
		{"a dropped reply was performed", Fault{Mode: DropReply}, syscall.ECONNRESET, 1, 1},
		{"a duplicate is performed twice", Fault{Mode: Duplicate}, nil, 2, 1},
		{"before its echo a request was performed once", Fault{Mode: Echo, Delay: time.Hour}, nil, 1, 1},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			p, performed := newStore(t)
			if err := p.Set(c.fault); err != nil {
				t.Fatal(err)
			}
			if _, err := send(newClient(t), p, limit); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := performed.Load(); got != c.performed {
				t.Errorf("performed %d, want %d", got, c.performed)
			}
			if got := p.Counts()["UpdateItem"]; got != c.counted {
				t.Errorf("counted %d, want %d", got, c.counted)
			}
			if err := p.Set(Fault{}); err != nil {
				t.Fatal(err)
			}
			if answer, err := send(newClient(t), p, 10*time.Second); err != nil || answer != "done" {
				t.Errorf("after healing: %q, %v", answer, err)
			}
		})
	}
}

func TestOnlyNewConnectionsAreDelayed(t *testing.T) {
	p, _ := newStore(t)
	client := newClient(t)
	const delay = 250 * time.Millisecond
	if err := p.Set(Fault{Mode: DelayConnect, Delay: delay}); err != nil {
		t.Fatal(err)
	}
	took := func() time.Duration {
		start := time.Now()
		if _, err := send(client, p, 10*time.Second); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	if d := took(); d < delay {
		t.Errorf("the new connection took %s, want at least %s", d, delay)
	}
	if d := took(); d >= delay {
		t.Errorf("the open connection took %s, want less than %s", d, delay)
	}
}

func TestOpenConnectionsEndWhenRefused(t *testing.T) {
	p, performed := newStore(t)
	client := newClient(t)
	if _, err := send(client, p, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := p.Set(Fault{Mode: Refuse}); err != nil {
		t.Fatal(err)
	}
	if _, err := send(client, p, 10*time.Second); err == nil {
		t.Error("an open connection was served")
	}
	if got := performed.Load(); got != 1 {
		t.Errorf("performed %d, want 1", got)
	}
}

func TestAHungRequestEndsWhenHealed(t *testing.T) {
	p, _ := newStore(t)
	if err := p.Set(Fault{Mode: Hang}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := send(newClient(t), p, time.Minute)
		ended <- err
	}()
	err := wait.For(t.Context(), 10*time.Second, "the request arrives", func() bool { return p.Counts()["UpdateItem"] == 1 })
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Set(Fault{}); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
}

func TestAnEchoIsPerformedLater(t *testing.T) {
	p, performed := newStore(t)
	var mu sync.Mutex
	var seen []Exchange
	p.Observe(func(x Exchange) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, x)
	})
	if err := p.Set(Fault{Mode: Echo, Delay: 20 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if answer, err := send(newClient(t), p, 10*time.Second); err != nil || answer != "done" {
		t.Fatalf("%q, %v", answer, err)
	}
	observed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == 2
	}
	if err := wait.For(t.Context(), 10*time.Second, "the echo is answered", observed); err != nil {
		t.Fatal(err)
	}
	for _, x := range seen {
		if x.Operation != "UpdateItem" || x.Status != http.StatusOK || string(x.Answer) != "done" {
			t.Errorf("observed %+v", x)
		}
	}
	if got := performed.Load(); got != 2 {
		t.Errorf("performed %d, want 2", got)
	}
}

func TestFaultsAreSwitchedOverHTTP(t *testing.T) {
	p, _ := newStore(t)
	cases := []struct {
		rule, method, path, body string
		status                   int
		want                     string
	}{
		{"a fault is set", "PUT", "/faults", `{"mode":"delay","delay_ms":5}`, 200, `{"mode":"delay","delay_ms":5}`},
		{"and shown", "GET", "/faults", "", 200, `{"mode":"delay","delay_ms":5}`},
		{"an unknown mode is invalid", "PUT", "/faults", `{"mode":"dely"}`, 400, `mode: "dely" is unknown`},
		{"a delay must be given", "PUT", "/faults", `{"mode":"delay"}`, 400, "delay: mode delay needs one above 0"},
		{"a delay must be used", "PUT", "/faults", `{"mode":"hang","delay_ms":5}`, 400, `delay: mode "hang" has none`},
		{"an unknown field is named", "PUT", "/faults", `{"mod":"hang"}`, 400, `json: unknown field "mod"`},
		{"a body is required", "PUT", "/faults", "", 400, `want a JSON body such as {"mode":"delay","delay_ms":250}`},
		{"an invalid fault changes nothing", "GET", "/faults", "", 200, `{"mode":"delay","delay_ms":5}`},
		{"healing", "DELETE", "/faults", "", 200, `{"mode":""}`},
		{"counts", "GET", "/counts", "", 200, `{}`},
	}
	for _, c := range cases {
		w := httptest.NewRecorder()
		p.Control().ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		if got := strings.TrimSpace(w.Body.String()); w.Code != c.status || got != c.want {
			t.Errorf("%s: got %d %s, want %d %s", c.rule, w.Code, got, c.status, c.want)
		}
	}
}

func TestAnEndpointMustBeAURL(t *testing.T) {
	if _, err := Start("127.0.0.1:0", "localhost"); err == nil {
		t.Error("no error")
	}
}
