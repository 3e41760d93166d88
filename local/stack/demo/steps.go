package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/jirasim"
	"github.com/coldfuse/coldfuse/local/wait"
)

const (
	threshold = 5 // failed calls that open the circuit
	tries     = 4 // of one call
)

func (p *play) steps() []step {
	return []step{
		{"everything is healthy, every environment finds issues", p.healthy},
		{"Jira goes down; one call in each environment fails, and the circuit stays closed", p.failing4},
		{"the fifth failed call opens the circuit", p.opening},
		{"every environment fails fast", p.failFast},
		{"health is degraded", p.degraded},
		{"kill -9 of all environments: the cold ones know that the circuit is open", p.killed},
		{"Jira heals; when the recovery time is over, one probe of all environments reaches it", p.probing},
		{"the second success closes the circuit", p.closing},
		{"every environment serves again", p.recovered},
		{"under load, 1 % of the calls fail: more than the threshold, and nothing opens", p.someErrors},
		{"then 60 % fail: the circuit opens", p.manyErrors},
	}
}

// load makes creates, which are not retried without an Idempotency-Key, at a rate
// for some time, or until enough is seen. It returns how many there were, how many
// failed and how many the circuit rejected.
func (p *play) load(ctx context.Context, rate int, length time.Duration, enough func() bool) (calls, failed, opened int) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	answers := make(chan answer, rate*int(length.Seconds()+1))
	var all sync.WaitGroup
	every := time.NewTicker(time.Second / time.Duration(rate))
	defer every.Stop()
	for ctx.Err() == nil && !enough() {
		<-every.C
		all.Go(func() {
			if got, err := p.api.do(context.WithoutCancel(ctx), "POST", "/jira/issues", create); err == nil {
				answers <- got
			}
		})
	}
	all.Wait()
	close(answers)
	for a := range answers {
		calls++
		switch {
		case a.status == http.StatusCreated:
		case strings.Contains(string(a.body), "circuit-open"):
			opened++
		default:
			failed++
		}
	}
	return calls, failed, opened
}

const (
	create   = `{"project_key":"OPS","issue_type":"Task","summary":"Renew the certificate"}`
	loadRate = 40 // calls a second
)

// someErrors makes enough calls for more failures than the threshold.
func (p *play) someErrors(ctx context.Context) (string, error) {
	if err := p.errorsAt(1); err != nil {
		return "", err
	}
	calls, failed, opened := p.load(ctx, loadRate, 20*time.Second, func() bool { return false })
	switch {
	case opened > 0:
		return "", fmt.Errorf("%d of %d calls were rejected", opened, calls)
	case calls < loadRate*20/2 || failed == 0:
		return "", fmt.Errorf("%d calls, %d failed: that shows nothing", calls, failed)
	}
	return fmt.Sprintf("%d calls, %d failed, none rejected", calls, failed),
		errors.Join(p.healthIs(ctx, "healthy"), p.logged(ctx, 1, 1, 1))
}

func (p *play) manyErrors(ctx context.Context) (string, error) {
	if err := p.errorsAt(60); err != nil {
		return "", err
	}
	began := time.Now()
	open := func() bool { return p.stack.Log.Count(transition("OPENED")) == 2 }
	calls, failed, _ := p.load(ctx, loadRate, 20*time.Second, open)
	s, err := p.api.stats(ctx)
	if err != nil || s.State != "open" {
		return "", errors.Join(err, fmt.Errorf("circuit is %+v after %d calls, %d failed", s, calls, failed))
	}
	return fmt.Sprintf("open after %.1f s: %d calls, %d failed", time.Since(began).Seconds(), calls, failed), p.logged(ctx, 2, 1, 1)
}

// errorsAt has a share of the creates fail, in per cent.
func (p *play) errorsAt(share float64) error {
	return p.stack.Jira.Set(atlassiansim.Fault{Kind: atlassiansim.Status, Status: http.StatusInternalServerError, Operation: jirasim.CreateIssue, Share: share})
}

func (p *play) healthy(ctx context.Context) (string, error) {
	if err := p.healthIs(ctx, "healthy"); err != nil {
		return "", err
	}
	if _, err := p.inTurn(ctx, fleet, status(http.StatusOK)); err != nil {
		return "", err
	}
	return fmt.Sprintf("health is healthy, %d environments searched", fleet), p.everyoneServed(1)
}

// failing4 makes as many failed calls as there are environments, one fewer than the
// threshold.
func (p *play) failing4(ctx context.Context) (string, error) {
	if err := p.stack.Jira.Set(atlassiansim.Fault{Kind: atlassiansim.Down}); err != nil {
		return "", err
	}
	answers, err := p.atOnce(ctx, fleet, status(http.StatusServiceUnavailable))
	if err != nil {
		return "", err
	}
	p.failing = slices.MinFunc(answers, func(a, b answer) int { return int(a.took - b.took) }).took
	return fmt.Sprintf("%d calls of %d tries failed in %.1f s or more, circuit closed, failure count %d", fleet, tries, p.failing.Seconds(), fleet),
		errors.Join(p.reachedBy(fleet*tries), p.circuitIs(ctx, stats{"closed", fleet, 0}))
}

func (p *play) opening(ctx context.Context) (string, error) {
	if _, err := p.inTurn(ctx, 1, status(http.StatusServiceUnavailable)); err != nil {
		return "", err
	}
	return "circuit open, OPENED logged once in the fleet",
		errors.Join(p.reachedBy(tries), p.circuitIs(ctx, stats{"open", threshold, 0}), p.logged(ctx, 1, 0, 0))
}

// failFast measures once every environment has read the opening: the best of three
// rounds, since whatever else this machine does only adds to them.
func (p *play) failFast(ctx context.Context) (string, error) {
	const calls, rounds = 200, 3
	p99 := time.Duration(math.MaxInt64)
	for range rounds {
		answers, err := p.inTurn(ctx, fleet+calls, rejected)
		if err != nil {
			return "", err
		}
		p99 = min(p99, percentile99(answers[fleet:]))
	}
	if p99 > 10*time.Millisecond || p99 > p.failing/100 {
		return "", fmt.Errorf("p99 of %d rejections is %s, want at most 10ms and a hundredth of a failing call's %s", calls, p99, p.failing)
	}
	return fmt.Sprintf("%d calls rejected, none reached Jira, p99 %.1f ms instead of %.1f s",
		rounds*(fleet+calls), float64(p99.Microseconds())/1000, p.failing.Seconds()), p.reachedBy(0)
}

func (p *play) degraded(ctx context.Context) (string, error) {
	h, err := p.api.health(ctx)
	if err != nil {
		return "", err
	}
	if h.Status != "degraded" || len(h.OpenCircuits) != 1 || h.OpenCircuits[0].Name != circuit || h.OpenCircuits[0].FailureCount != threshold {
		return "", fmt.Errorf("health is %+v, want degraded by %s with %d failures", h, circuit, threshold)
	}
	strict, err := p.api.do(ctx, "GET", "/resilience/health?strict=true", "")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("health names %s, and is 503 for load balancers", circuit), status(http.StatusServiceUnavailable)(strict)
}

func (p *play) killed(ctx context.Context) (string, error) {
	before := p.pids()
	n := p.stack.Kill()
	if _, err := p.atOnce(ctx, fleet, rejected); err != nil {
		return "", err
	}
	for _, pid := range p.pids() {
		if slices.Contains(before, pid) {
			return "", fmt.Errorf("process %d outlived kill -9", pid)
		}
	}
	return fmt.Sprintf("%d environments killed, their successors reject and Jira is left alone", n), p.reachedBy(0)
}

// probing slows Jira down, so that the one probe can be seen to hold off the others.
func (p *play) probing(ctx context.Context) (string, error) {
	if err := p.stack.Jira.Set(atlassiansim.Fault{Kind: atlassiansim.Delay, Delay: time.Second}); err != nil {
		return "", err
	}
	if err := p.stack.Functions["JiraFunction"].Warm(ctx, fleet); err != nil {
		return "", err
	}
	due := func() bool {
		s, err := p.api.stats(ctx)
		return err == nil && s.State == "half_open"
	}
	if err := wait.For(ctx, 45*time.Second, "the recovery time is over", due); err != nil {
		return "", err
	}
	if err := p.reachedBy(0); err != nil {
		return "", err
	}
	served := 0
	_, err := p.atOnce(ctx, fleet, func(a answer) error {
		if a.status == http.StatusOK {
			served++
			return nil
		}
		return rejected(a)
	})
	if err == nil && served != 1 {
		err = fmt.Errorf("%d calls were served, want one probe", served)
	}
	return fmt.Sprintf("of %d calls at once one probed and succeeded, %d were rejected", fleet, fleet-1),
		errors.Join(err, p.reachedBy(1), p.circuitIs(ctx, stats{"half_open", threshold, 1}), p.logged(ctx, 1, 1, 0))
}

func (p *play) closing(ctx context.Context) (string, error) {
	p.stack.Jira.Clear()
	// An environment that has just read of the probe in flight may believe it for
	// 250 ms.
	if err := p.eventually(ctx, "a second probe succeeds", 1); err != nil {
		return "", err
	}
	return "circuit closed, each transition logged exactly once",
		errors.Join(p.reachedBy(1), p.circuitIs(ctx, stats{"closed", 0, 0}), p.logged(ctx, 1, 1, 1))
}

func (p *play) recovered(ctx context.Context) (string, error) {
	// An environment may believe for a second that the circuit is open.
	if err := p.eventually(ctx, "every environment serves", fleet); err != nil {
		return "", err
	}
	return "health is healthy", errors.Join(p.healthIs(ctx, "healthy"), p.logged(ctx, 1, 1, 1))
}

// inTurn makes n calls one after the other, each in the environment that rested
// longest, and checks each answer.
func (p *play) inTurn(ctx context.Context, n int, check func(answer) error) ([]answer, error) {
	var answers []answer
	for range n {
		got, err := p.api.search(ctx)
		if err = cmp.Or(err, check(got)); err != nil {
			return nil, err
		}
		answers = append(answers, got)
	}
	return answers, nil
}

// atOnce makes n calls at once, each in its own environment, and checks the answers.
func (p *play) atOnce(ctx context.Context, n int, check func(answer) error) ([]answer, error) {
	answers, err := p.api.searchTogether(ctx, n)
	for _, a := range answers {
		err = cmp.Or(err, check(a))
	}
	return answers, err
}

// eventually makes n calls in turn until all are served.
func (p *play) eventually(ctx context.Context, what string, n int) error {
	var last error
	err := wait.For(ctx, 5*time.Second, what, func() bool {
		_, last = p.inTurn(ctx, n, status(http.StatusOK))
		return last == nil
	})
	return errors.Join(err, last)
}

func (p *play) healthIs(ctx context.Context, want string) error {
	h, err := p.api.health(ctx)
	if err == nil && h.Status != want {
		err = fmt.Errorf("health is %q, want %s", h.Status, want)
	}
	return err
}

// reachedBy checks how many requests have reached Jira in this step.
func (p *play) reachedBy(want int) error {
	if got := p.reached(); got != want {
		return fmt.Errorf("%d requests reached Jira, want %d", got, want)
	}
	return nil
}

// everyoneServed checks that each environment of the connector has served n.
func (p *play) everyoneServed(n int) error {
	for _, e := range p.stack.Functions["JiraFunction"].Environments() {
		if e.Invocations != n {
			return fmt.Errorf("environment %s served %d calls, want %d", e.ID, e.Invocations, n)
		}
	}
	return nil
}

func (p *play) pids() []int {
	var pids []int
	for _, e := range p.stack.Environments() {
		pids = append(pids, e.PID)
	}
	return pids
}

func (p *play) circuitIs(ctx context.Context, want stats) error {
	got, err := p.api.stats(ctx)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("circuit is %+v, want %+v", got, want)
	}
	return nil
}

// transition returns what the line of a transition says.
func transition(word string) string { return fmt.Sprintf("Circuit breaker '%s' %s", circuit, word) }

// logged checks how often the fleet has logged each transition. The lines
// travel through pipes: they may arrive a little after the answer.
func (p *play) logged(ctx context.Context, opened, halfOpen, closed int) error {
	for word, want := range map[string]int{"OPENED": opened, "HALF_OPEN": halfOpen, "CLOSED": closed} {
		line := transition(word)
		count := func() int { return p.stack.Log.Count(line) }
		if err := wait.For(ctx, 2*time.Second, line, func() bool { return count() >= want }); err != nil {
			return err
		}
		if count() != want {
			return fmt.Errorf("%q was logged %d times, want %d", line, count(), want)
		}
	}
	return nil
}

func status(want int) func(answer) error {
	return func(a answer) error {
		if a.status != want {
			return fmt.Errorf("got %s, want %d", a, want)
		}
		return nil
	}
}

// rejected checks that the circuit, not Jira, is why a call failed.
func rejected(a answer) error {
	if a.status != http.StatusServiceUnavailable || a.retryAfter == "" || !strings.Contains(string(a.body), circuit) {
		return fmt.Errorf("got %s with Retry-After %q, want a rejection by the circuit", a, a.retryAfter)
	}
	return nil
}

func percentile99(answers []answer) time.Duration {
	var took []time.Duration
	for _, a := range answers {
		took = append(took, a.took)
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}
