package atlassiansim

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

// The toy product keeps things, and lists the first hundred numbers.
const (
	getThing  Operation = "get_thing"
	makeThing Operation = "make_thing"
	listAll   Operation = "list_all"
)

type toy struct {
	*Edge
	mu     sync.Mutex
	things int
}

func newToy(now func() time.Time) *toy {
	t := &toy{}
	t.Edge = NewEdge(Options{Lag: NoLag, Now: now}, Product{
		Name:  "toy",
		Scope: "read:toy",
		Routes: []Route{
			Get("/rest/thing/{}", getThing, t.get),
			Post("/rest/thing", makeThing, t.make),
			Get("/rest/list", listAll, t.list),
		},
		Failure: func(_ *Call, status int, message string) Answer {
			return Encode(status, map[string]string{"toy": message})
		},
		Reset: func() { t.count(-t.count(0)) },
		Control: func(mux *http.ServeMux) {
			mux.HandleFunc("GET /_sim/things", func(w http.ResponseWriter, _ *http.Request) { WriteControl(w, 200, t.count(0)) })
		},
	})
	return t
}

// count changes the number of things and returns it.
func (t *toy) count(by int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.things += by
	return t.things
}

func (t *toy) get(c *Call) Answer {
	if c.Took[0] == "none" {
		return Problem(404, "No such thing.")
	}
	return Encode(200, map[string]string{"thing": c.Took[0], "self": c.Base + "/rest/thing/" + c.Took[0]})
}

func (t *toy) make(c *Call) Answer {
	c.Created = fmt.Sprint("thing ", t.count(1))
	return Encode(201, map[string]string{"made": c.Created})
}

func (t *toy) list(c *Call) Answer {
	at, ok := FirstPage("list", c.Now).Resume(c.Query.Get("token"))
	if !ok {
		return Problem(400, "The token is bad.")
	}
	size, err := c.Number("size", 10)
	if err != nil {
		return Problem(400, err.Error())
	}
	return Encode(200, c.Window(at, c.Query.Get("token"), 100, size))
}

// newStill is a toy whose clock stands still.
func newStill() *toy { return newToy(simtest.NewClock().Now) }

// request is one with good credentials.
func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth(DefaultEmail, DefaultToken)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func send(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	return simtest.Serve(h, request(method, path, body))
}

func TestRoutes(t *testing.T) {
	const gateway = "/ex/toy/" + DefaultCloudID
	cases := []struct {
		rule, method, path string
		status             int
		operation          Operation
	}{
		{"an unknown path is 404", "GET", "/rest/nothing", 404, Other},
		{"a wrong method is 405", "DELETE", "/rest/thing/1", 405, Other},
		{"a {} is one segment", "GET", "/rest/thing/1/x", 404, Other},
		{"a {} is not empty", "GET", "/rest/thing/", 404, Other},
		{"an escaped slash stays in its segment", "GET", "/rest/thing/a%2Fb", 200, getThing},
		{"the gateway has the same calls", "GET", gateway + "/rest/thing/1", 200, getThing},
		{"the gateway knows its site only", "GET", "/ex/toy/other/rest/thing/1", 404, getThing},
		{"the gateway knows its product only", "GET", "/ex/doll/" + DefaultCloudID + "/rest/thing/1", 404, Other},
		{"the cloud id is told at the site", "GET", "/_edge/tenant_info", 200, GetTenantInfo},
		{"and not at the gateway", "GET", gateway + "/_edge/tenant_info", 404, Other},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			toy := newStill()
			w := send(toy, c.method, c.path, "")
			if w.Code != c.status || w.Header().Get("atl-traceid") == "" {
				t.Errorf("%d %v %s, want %d", w.Code, w.Header(), w.Body, c.status)
			}
			if got := toy.Log()[0].Operation; got != c.operation {
				t.Errorf("operation %s, want %s", got, c.operation)
			}
		})
	}
}

func TestBaseIsWhatTheClientAsked(t *testing.T) {
	for _, prefix := range []string{"", "/ex/toy/" + DefaultCloudID} {
		got := simtest.Read[struct{ Self string }](t, send(newStill(), "GET", prefix+"/rest/thing/1", "")).Self
		if want := "http://example.com" + prefix + "/rest/thing/1"; got != want {
			t.Errorf("self %s, want %s", got, want)
		}
	}
}

func TestBodyOverTheLimitIs413(t *testing.T) {
	if w := send(newStill(), "POST", "/rest/thing", strings.Repeat(" ", maxBody+1)); w.Code != 413 {
		t.Errorf("status %d, want 413", w.Code)
	}
}

func TestLogTellsWhatArrived(t *testing.T) {
	toy := newStill()
	send(toy, "POST", "/rest/thing", "{}")
	simtest.Serve(toy, httptest.NewRequest("GET", "/rest/thing/none", nil))

	log := toy.Log()
	if len(log) != 2 {
		t.Fatalf("%d requests, want 2", len(log))
	}
	now := simtest.NewClock().Now()
	want := Request{Time: now, Ended: now, Method: "POST", Path: "/rest/thing", Operation: makeThing,
		Status: 201, Identity: Accepted, Created: "thing 1", Connection: "192.0.2.1:1234"}
	if log[0] != want {
		t.Errorf("got %+v\nwant %+v", log[0], want)
	}
	if log[1].Identity != Anonymous || log[1].Operation != getThing || log[1].Status != 404 {
		t.Errorf("got %+v", log[1])
	}
	if counts := toy.Counts(); counts[makeThing] != 1 || counts[getThing] != 1 {
		t.Errorf("counts %v", counts)
	}
}

func TestLogForgetsTheOldest(t *testing.T) {
	j := newJournal()
	for n := range maxJournal + 1 {
		j.begin(Request{Path: fmt.Sprint(n), Operation: getThing})
	}
	all := j.all()
	if len(all) > maxJournal {
		t.Errorf("%d requests, want at most %d", len(all), maxJournal)
	}
	if last := all[len(all)-1].Path; last != fmt.Sprint(maxJournal) {
		t.Errorf("newest is %s, want %d", last, maxJournal)
	}
	if n := j.count()[getThing]; n != maxJournal+1 {
		t.Errorf("counted %d, want %d", n, maxJournal+1)
	}
}

func TestResetMakesEverythingAsAtTheStart(t *testing.T) {
	toy := newStill()
	send(toy, "POST", "/rest/thing", "{}")
	toy.Rotate(Credentials{"a@example.com", "b"})
	if err := toy.Set(Fault{Kind: Down}); err != nil {
		t.Fatal(err)
	}
	toy.Reset()
	if len(toy.Faults()) != 0 || len(toy.Log()) != 0 || len(toy.Counts()) != 0 || toy.count(0) != 0 {
		t.Errorf("faults %v, log %v, counts %v, things %d", toy.Faults(), toy.Log(), toy.Counts(), toy.count(0))
	}
	if got := toy.Account(); got != (Credentials{DefaultEmail, DefaultToken}) {
		t.Errorf("account %v", got)
	}
}

func TestRandomLagIsBelow5s(t *testing.T) {
	for range 1000 {
		if lag := randomLag(); lag < 0 || lag >= maxLag {
			t.Fatalf("lag %s", lag)
		}
	}
}

// readList reads the toy's list as a careful client does: it stops at a token
// that comes back.
func readList(t *testing.T, toy *toy, size int) (numbers []int, sizes []int) {
	t.Helper()
	for token := ""; ; {
		query := request("GET", "/rest/list", "").URL.Query()
		query.Set("token", token)
		query.Set("size", fmt.Sprint(size))
		page := simtest.Read[Window](t, send(toy, "GET", "/rest/list?"+query.Encode(), ""))
		sizes = append(sizes, page.Last-page.First)
		for n := page.First; n < page.Last; n++ {
			numbers = append(numbers, n)
		}
		if page.Next == "" || page.Next == token {
			return numbers, sizes
		}
		token = page.Next
	}
}

func TestFaultsOfListsHideNothing(t *testing.T) {
	want, _ := readList(t, newStill(), 100)
	cases := []struct {
		rule  string
		fault Fault
		sizes func([]int) bool
	}{
		{"an empty page before each", Fault{Kind: EmptyPage}, func(s []int) bool { return slices.Equal(s, []int{0, 40, 0, 40, 0, 20}) }},
		{"one empty page", Fault{Kind: EmptyPage, Times: 1}, func(s []int) bool { return slices.Equal(s, []int{0, 40, 40, 20}) }},
		{"short pages", Fault{Kind: ShortPages}, func(s []int) bool { return len(s) > 3 && slices.Max(s) <= 40 && slices.Min(s) >= 1 }},
		{"a token that comes back", Fault{Kind: RepeatToken}, func(s []int) bool { return slices.Equal(s, []int{40, 40, 20}) }},
		{"no fault", Fault{Kind: Delay, Delay: 1}, func(s []int) bool { return slices.Equal(s, []int{40, 40, 20}) }},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			toy := newStill()
			if err := toy.Set(c.fault); err != nil {
				t.Fatal(err)
			}
			if got, sizes := readList(t, toy, 40); !slices.Equal(got, want) || !c.sizes(sizes) {
				t.Errorf("%d numbers, pages of %v", len(got), sizes)
			}
		})
	}
}

func TestRepeatedTokenIsThatOfTheLastPage(t *testing.T) {
	toy := newStill()
	if err := toy.Set(Fault{Kind: RepeatToken}); err != nil {
		t.Fatal(err)
	}
	first := simtest.Read[Window](t, send(toy, "GET", "/rest/list?size=60", ""))
	token := strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(first.Next)
	last := simtest.Read[Window](t, send(toy, "GET", "/rest/list?size=60&token="+token, ""))
	if first.Next == "" || last.Next != first.Next || last.Last != 100 {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

func TestForeignTokensAreRefused(t *testing.T) {
	for _, token := range []string{"abc", "e30=", FirstPage("other", time.Time{}).String()} {
		if w := send(newStill(), "GET", "/rest/list?token="+token, ""); w.Code != 400 {
			t.Errorf("%s: %d, want 400", token, w.Code)
		}
	}
}
