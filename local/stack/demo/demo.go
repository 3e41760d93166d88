// Package demo plays an outage of Jira from its beginning to its end on the
// whole local stack with the default settings, and checks each step.
package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coldfuse/coldfuse/local/stack"
)

// limit is the most that the story may take once the stack runs.
const limit = 210 * time.Second

// fleet is the number of environments of the connector. With the default
// threshold of 5, one call in each is not yet enough.
const fleet = 4

// Run starts a stack and plays the story, telling it to out. The error names
// the step that failed and what was seen instead.
func Run(ctx context.Context, c stack.Config, out io.Writer) error {
	c.Warm, c.Progress = fleet, out
	started := time.Now()
	s, err := stack.Start(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintf(out, "\nThe stack runs after %.1f s. The story, with default settings:\n\n", time.Since(started).Seconds())
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p := &play{
		stack:   s,
		api:     api{url: s.URL, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: fleet}}},
		out:     out,
		started: time.Now(),
	}
	for _, step := range p.steps() {
		if err := p.perform(ctx, step); err != nil {
			return p.explain(err)
		}
	}
	fmt.Fprintf(out, "\nThe story took %.1f s, every step as it should be.\n", time.Since(p.started).Seconds())
	return nil
}

// play is one performance.
type play struct {
	stack   *stack.Stack
	api     api
	out     io.Writer
	started time.Time

	failing  time.Duration // what the fastest failing call took
	requests int           // that had reached Jira when a step began
}

// step is one scene. It gives a remark on what was seen.
type step struct {
	title string
	play  func(context.Context) (string, error)
}

func (p *play) perform(ctx context.Context, s step) error {
	fmt.Fprintf(p.out, "%6.1f s  %s …\n", time.Since(p.started).Seconds(), s.title)
	p.requests = len(p.stack.Jira.Log())
	remark, err := s.play(ctx)
	if err != nil {
		return fmt.Errorf("demo: %s: %w", s.title, err)
	}
	fmt.Fprintf(p.out, "%6.1f s      ok: %s\n", time.Since(p.started).Seconds(), remark)
	return nil
}

// explain adds what a busy machine does to the story: an environment that waits
// too long for the store decides alone.
func (p *play) explain(err error) error {
	if n := p.stack.Log.Count("Circuit store unreachable"); n > 0 {
		return fmt.Errorf("%w (environments found the store too slow %d times: is the machine busy?)", err, n)
	}
	return err
}

// reached is the number of requests that reached Jira in this step.
func (p *play) reached() int { return len(p.stack.Jira.Log()) - p.requests }
