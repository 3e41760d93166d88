package fleet

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/wait"
)

func TestADependencyAnswersAsItsHealthSays(t *testing.T) {
	d := NewDependency(0)
	t.Cleanup(d.Close)
	cases := []struct {
		rule   string
		health Health
		status int // 0: none
	}{
		{"a healthy one answers", Healthy, http.StatusOK},
		{"a dead one fails", Dead, http.StatusServiceUnavailable},
		{"a hanging one does not answer", Hanging, 0},
	}
	for _, c := range cases {
		d.Set(c.health)
		ctx, cancel := context.WithCancel(t.Context())
		seen := func() []Request {
			return d.Requests(time.Time{}, func(r Request) bool { return r.Member == c.rule })
		}
		if c.health == Hanging {
			go func() {
				_ = wait.For(ctx, 10*time.Second, "it arrives", func() bool { return len(seen()) > 0 })
				cancel()
			}()
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(MemberHeader, c.rule)
		r.Header.Set(ProbeHeader, "true")
		r.Header.Set(LossesHeader, "2")
		status := 0
		if res, err := http.DefaultClient.Do(r); err == nil {
			status = res.StatusCode
			res.Body.Close()
		}
		cancel()
		if status != c.status {
			t.Errorf("%s: got %d, want %d", c.rule, status, c.status)
		}
		if s := seen(); len(s) != 1 || !s[0].Probe || s[0].Losses != 2 || s[0].Health != c.health {
			t.Errorf("%s: the journal has %+v", c.rule, s)
		}
	}
	if since := d.Requests(time.Now(), func(Request) bool { return true }); len(since) != 0 {
		t.Errorf("%d requests since now", len(since))
	}
}
