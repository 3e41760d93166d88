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

// This file makes an issue once, however often it is asked for under one key.
// Jira promises nothing of the kind, so an issue carries a label by which a
// search finds it when a request may have made it and nobody knows.

// looks are the pauses before the searches for such an issue. Searches lag
// behind creations by 0 to 5 s; 15 s are what an HTTP API's time leaves for
// them after the request.
var looks = [...]time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// unknownOutcome: whether the issue exists is not known, and it was looked for.
type unknownOutcome struct {
	hint  string // JQL that finds the issue, or those among which it is
	final bool   // a repetition will not know more
	cause error  // nil: a search that found nothing
}

func (e *unknownOutcome) Error() string {
	return fmt.Sprintf("jira: whether the issue was created is not known (%v)", e.cause)
}

func (e *unknownOutcome) Unwrap() error { return e.cause }

func unknown(claim *idempotency.Claim, n newIssue, cause error) error {
	return &unknownOutcome{hint: hint(claim, n), final: claim.Settles() == 0 && !claim.MaySend(), cause: cause}
}

// createOnce makes the issue, unless a call under the key has made it before:
// then it gives that issue, and replayed is true.
func (c *Connector) createOnce(ctx context.Context, key idempotency.Key, n newIssue) (issue Issue, replayed bool, err error) {
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
			claim.Release(ctx) // of this call's own requests, of which there was none
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

// lookUp looks for what an earlier request may have made: again and again where
// a search may still lag behind it.
func (c *Connector) lookUp(ctx context.Context, claim *idempotency.Claim, n newIssue) (Issue, error) {
	if claim.Settles() == 0 {
		return c.find(ctx, claim, n, looks[:1])
	}
	return c.find(ctx, claim, n, looks[:])
}

// send sends the request: a second time without the label where the field is
// not on the project's create screen. If Jira does not say whether it made the
// issue, that is looked for.
func (c *Connector) send(ctx context.Context, claim *idempotency.Claim, n newIssue) (Issue, error) {
	issue, err := c.post(ctx, n.once(claim.Label(), claim.Labelled()), claim.Live)
	if claim.Labelled() && isOffScreen(err, "labels") {
		if err := claim.Unlabel(ctx); err != nil {
			return Issue{}, err
		}
		issue, err = c.post(ctx, n.once(claim.Label(), false), claim.Live)
	}
	if err == nil || createdNothing(err) {
		return issue, err
	}
	if found, lookErr := c.find(ctx, claim, n, looks[1:], guard.FollowUp()); lookErr == nil && found.Key != "" {
		return found, nil
	}
	return Issue{}, err
}

// createdNothing reports whether a create that failed certainly made no issue.
func createdNothing(err error) bool {
	if guard.Attempts(err) == 0 || errors.Is(err, errLate) {
		return true
	}
	e, ok := errors.AsType[*atlassian.Error](err)
	return ok && !e.Ambiguous
}

// isOffScreen reports whether Jira refused an issue for one field alone. It does
// so where the project's create screen does not show the field.
func isOffScreen(err error, field string) bool {
	e, ok := errors.AsType[*atlassian.Error](err)
	return ok && e.Status == 400 && len(e.Fields) == 1 && e.Fields[field] != ""
}

// find searches for the issue after each of the pauses, until it is found or
// the time is over. That nothing was found takes one search at least.
func (c *Connector) find(ctx context.Context, claim *idempotency.Claim, n newIssue, pauses []time.Duration, options ...guard.Option) (Issue, error) {
	for i, pause := range pauses {
		switch {
		case idempotency.Pause(ctx, pause):
		case i == 0:
			return Issue{}, context.DeadlineExceeded
		default:
			return Issue{}, nil
		}
		candidates, err := c.candidates(ctx, sought(claim, n), options...)
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
