package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// failure is an answer of the dependency that is not a success.
type failure struct {
	status int
	wait   time.Duration
}

func (r *failure) Error() string { return fmt.Sprintf("status %d", r.status) }

// ask is the protected call: one request, sent once. The transport does not
// repeat a POST.
func (e *environment) ask(ctx context.Context, c wire.Report) error {
	ctx, cancel := context.WithTimeout(ctx, e.breaker.Settings().ProbeTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.config.Dependency, nil)
	if err != nil {
		return err
	}
	r.Header.Set(wire.HeaderEnvironment, e.config.ID)
	r.Header.Set(wire.HeaderCall, strconv.FormatInt(c.Call, 10))
	r.Header.Set(wire.HeaderProbe, strconv.FormatBool(c.Probe))
	r.Header.Set(wire.HeaderLocal, strconv.FormatBool(c.Local))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // 0: none
		return &failure{answer.StatusCode, time.Duration(seconds) * time.Second}
	}
	return nil
}

func classify(err error) breaker.Outcome {
	var r *failure
	switch {
	case !errors.As(err, &r):
		return breaker.Classify(err)
	case r.status == http.StatusTooManyRequests:
		return breaker.Outcome{Verdict: breaker.Failed, Reason: "rate_limited", OpenFor: r.wait}
	case r.status >= http.StatusInternalServerError:
		return breaker.Outcome{Verdict: breaker.Failed, Reason: "http_" + strconv.Itoa(r.status)}
	default:
		return breaker.Outcome{Verdict: breaker.Succeeded}
	}
}
