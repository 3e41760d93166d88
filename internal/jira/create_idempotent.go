package jira

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/idempotency"
)

// This file creates an issue once for each Idempotency-Key. Jira has no such
// feature, so the issue carries a label: when a request may have created it and the
// reply was lost, a search for the label finds it.

// lookupDelays are the pauses before the searches for such an issue. Jira's search
// index lags by 0 to 5 s; API Gateway's time limit leaves 15 s for all of them after
// the request.
var lookupDelays = [...]time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// unknownOutcome: a request may have created the issue, and no search found it.
type unknownOutcome struct {
	query string // JQL for people: it finds the issue, or the issues among which it is
	final bool   // repeating the request cannot resolve it
	cause error  // nil if a search found nothing
}

func (e *unknownOutcome) Error() string {
	return fmt.Sprintf("jira: whether the issue was created is not known (%v)", e.cause)
}

func (e *unknownOutcome) Unwrap() error { return e.cause }

func unknown(claim *idempotency.Claim, n newIssue, cause error) error {
	return &unknownOutcome{query: humanQuery(claim, n), final: claim.Settles() == 0 && !claim.MaySend(), cause: cause}
}

// createIdempotent creates the issue. If a call with the key created it before, it
// returns that issue, and replayed is true.
func (c *Connector) createIdempotent(ctx context.Context, key idempotency.Key, n newIssue) (issue Issue, replayed bool, err error) {
	claim, err := c.keys.Claim(ctx, key)
	if err != nil {
		return Issue{}, false, err
	}
	switch claim.Step() {
	case idempotency.Replay:
		id, key := claim.Issue()
		return Issue{ID: id, Key: key, URL: c.browse(key)}, true, nil
	case idempotency.Unsure:
		return Issue{}, false, unknown(claim, n, nil)
	}
	sending, cancel := claim.Within(ctx)
	defer cancel()
	if claim.Step() == idempotency.LookUp {
		issue, err = c.lookUp(sending, claim, n)
		switch {
		case err != nil || issue.Key == "" && !claim.MaySend():
			claim.Release(ctx) // this call sent no request
			return Issue{}, false, unknown(claim, n, err)
		case issue.Key != "":
			claim.Complete(ctx, issue.ID, issue.Key)
			return issue, true, nil
		}
	}
	issue, err = c.send(sending, claim, n)
	switch {
	case err == nil:
		claim.Complete(ctx, issue.ID, issue.Key)
	case createdNothing(err):
		claim.Release(ctx)
	default:
		claim.Unknown(ctx)
		err = unknown(claim, n, err)
	}
	return issue, false, err
}

// lookUp searches for an issue that an earlier request may have created: once if
// Jira's index must have it by now, else at every delay.
func (c *Connector) lookUp(ctx context.Context, claim *idempotency.Claim, n newIssue) (Issue, error) {
	if claim.Settles() == 0 {
		return c.find(ctx, claim, n, lookupDelays[:1])
	}
	return c.find(ctx, claim, n, lookupDelays[:])
}

// send sends the request, a second time without the label if the project's create
// screen does not show labels. If Jira did not say whether it created the issue,
// send searches for it.
func (c *Connector) send(ctx context.Context, claim *idempotency.Claim, n newIssue) (Issue, error) {
	issue, err := c.post(ctx, n.markedBody(claim.Label(), claim.Labelled()), claim.Live)
	if claim.Labelled() && rejectedOnlyField(err, "labels") {
		if err := claim.Unlabel(ctx); err != nil {
			return Issue{}, err
		}
		issue, err = c.post(ctx, n.markedBody(claim.Label(), false), claim.Live)
	}
	if err == nil || createdNothing(err) {
		return issue, err
	}
	if found, lookErr := c.find(ctx, claim, n, lookupDelays[1:], guard.FollowUp()); lookErr == nil && found.Key != "" {
		return found, nil
	}
	return Issue{}, err
}

// createdNothing reports whether a create that failed certainly created no issue.
func createdNothing(err error) bool {
	if guard.Attempts(err) == 0 || errors.Is(err, errLate) {
		return true
	}
	e, ok := errors.AsType[*atlassian.Error](err)
	return ok && !e.Ambiguous
}

// rejectedOnlyField reports whether Jira rejected an issue for one field alone, as it
// does if the project's create screen does not show the field.
func rejectedOnlyField(err error, field string) bool {
	e, ok := errors.AsType[*atlassian.Error](err)
	return ok && e.Status == 400 && len(e.Fields) == 1 && e.Fields[field] != ""
}

// find searches for the issue after each of the pauses, until it is found or ctx
// has no time left. Not found is reported only after at least one search.
func (c *Connector) find(ctx context.Context, claim *idempotency.Claim, n newIssue, pauses []time.Duration, options ...guard.Option) (Issue, error) {
	for i, pause := range pauses {
		switch {
		case idempotency.Pause(ctx, pause):
		case i == 0:
			return Issue{}, context.DeadlineExceeded
		default:
			return Issue{}, nil
		}
		candidates, err := c.candidates(ctx, lookupQuery(claim, n), options...)
		if err != nil {
			return Issue{}, err
		}
		for _, candidate := range candidates {
			if claim.Labelled() || candidate.isMarked(claim.Label()) {
				return Issue{ID: candidate.ID, Key: candidate.Key, URL: c.browse(candidate.Key)}, nil
			}
		}
	}
	return Issue{}, nil
}
