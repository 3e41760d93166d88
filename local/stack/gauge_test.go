package stack

import (
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/wait"
)

func TestEachTickGaugesEachCircuit(t *testing.T) {
	s := newStack(t, Config{})
	ticks := make(chan time.Time)
	go s.Gauge(t.Context(), ticks)
	const line, stack = `"message":"Gauged circuit"`, `"stack":"local-` // the name that the template is given
	for tick := 1; tick <= 2; tick++ {
		ticks <- time.Now()
		told := func() bool {
			return s.Log.Count(line, stack, "jira_api") == tick && s.Log.Count(line, stack, "confluence_api") == tick
		}
		if err := wait.For(t.Context(), 10*time.Second, "the log has both gauges", told); err != nil {
			t.Fatalf("tick %d: %v, %v", tick, err, s.Log.Lines(line))
		}
	}
}
