package storeproxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestAnAnswerToAClientThatHasGivenUpIsObserved(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-answer
		io.WriteString(w, "done")
	}))
	t.Cleanup(store.Close)
	p, err := Start("127.0.0.1:0", store.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	observed := make(chan Exchange, 1)
	p.Observe(func(x Exchange) { observed <- x })
	if _, err := send(newClient(t), p, 100*time.Millisecond); err == nil {
		t.Fatal("the client has an answer")
	}
	<-arrived
	time.Sleep(100 * time.Millisecond) // the proxy learns that its client is gone
	close(answer)
	select {
	case x := <-observed:
		if string(x.Answer) != "done" {
			t.Errorf("observed %q", x.Answer)
		}
	case <-time.After(2 * time.Second):
		t.Error("nothing was observed")
	}
}
