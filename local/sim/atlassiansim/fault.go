package atlassiansim

import (
	"fmt"
	"slices"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The kinds of faults.
const (
	Status       Kind = "status"        // answered Fault.Status
	Delay        Kind = "delay"         // waits Fault.Delay
	Hang         Kind = "hang"          // never answered: the connection ends when the client leaves or the fault is healed
	Reset        Kind = "reset"         // the connection is reset
	ExpiredToken Kind = "expired_token" // as if the credentials had expired
	BadJSON      Kind = "bad_json"      // a 2xx whose body breaks off in the middle
	Down         Kind = "down"          // every request is answered 503, in HTML as the edge does
	Refuse       Kind = "refuse"        // every connection ends without an answer

	EmptyPage   Kind = "empty_page"   // an empty page comes before each page
	ShortPages  Kind = "short_pages"  // pages hold fewer entries than was asked for
	RepeatToken Kind = "repeat_token" // the last page has the token that it was asked for with
	NoIsLast    Kind = "no_is_last"   // isLast is left out
	NoNext      Kind = "no_next"      // only the header Link has the next page
	HostileNext Kind = "hostile_next" // links to the next page lead to another host
)

// BodyKind is what the body of a Status fault is made of.
type BodyKind string

// The kinds of bodies. The zero value is BodyJSON.
const (
	BodyJSON  BodyKind = "json"
	BodyHTML  BodyKind = "html"
	BodyEmpty BodyKind = "empty"
)

// maxDelay bounds Fault.Delay.
const maxDelay = 10 * time.Minute

// Fault strikes the requests of one operation or of all. The zero value
// is no fault.
type Fault struct {
	Kind      Kind      `json:"kind"`
	Operation Operation `json:"operation,omitempty"` // empty: every one
	Times     int       `json:"times,omitempty"`     // 0: until healed
	Share     float64   `json:"share,omitempty"`     // per cent of the requests, at random; 0: all

	// Delay comes first, whatever the kind: at most 10 minutes. A request
	// whose client leaves meanwhile is not performed.
	Delay time.Duration `json:"-"`

	// AfterCommit lets Status, Delay, Hang and Reset strike once the request
	// has been performed: the issue exists, but the client does not hear of it.
	AfterCommit bool `json:"after_commit,omitempty"`

	// Location is the header of a Status, or what stands before the path of
	// links under HostileNext.
	Location string `json:"location,omitempty"`

	// The rest belongs to Status. Headers are as they are.
	Status          int      `json:"status,omitempty"` // 200 to 599
	Body            BodyKind `json:"body,omitempty"`   // empty: BodyJSON
	RetryAfter      string   `json:"retry_after,omitempty"`
	RateLimitReason string   `json:"rate_limit_reason,omitempty"` // a 429 then has the headers of that limit
	RateLimitReset  string   `json:"rate_limit_reset,omitempty"`  // empty: as RetryAfter has it, under a RateLimitReason
	FailureCategory string   `json:"failure_category,omitempty"`
}

// FieldError says which field of a control input is wrong.
type FieldError struct {
	Field   string `json:"field"` // as in JSON
	Message string `json:"error"`
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Message }

func fieldError(field, format string, args ...any) *FieldError {
	return &FieldError{field, fmt.Sprintf(format, args...)}
}

// invalid returns the first field that is wrong, if one is.
func (f Fault) invalid(operations []Operation) *FieldError {
	switch f.Kind {
	case Status, Delay, Hang, Reset:
	case ExpiredToken, BadJSON, Down, Refuse, EmptyPage, ShortPages, RepeatToken, NoIsLast, NoNext, HostileNext:
		if f.AfterCommit {
			return fieldError("after_commit", "kind %s has none", f.Kind)
		}
	default:
		return fieldError("kind", "%q is unknown", f.Kind)
	}
	if f.Operation != "" && !slices.Contains(operations, f.Operation) {
		return fieldError("operation", "%q is unknown", f.Operation)
	}
	if f.Operation != "" && (f.Kind == Down || f.Kind == Refuse) {
		return fieldError("operation", "kind %s is for every one", f.Kind)
	}
	if f.Times < 0 {
		return fieldError("times", "%d is negative", f.Times)
	}
	if f.Share < 0 || f.Share > 100 {
		return fieldError("share", "want 0 to 100")
	}
	if f.Delay < 0 || f.Delay > maxDelay {
		return fieldError("delay_ms", "want 0 to %d", maxDelay.Milliseconds())
	}
	if f.Kind == Delay && f.Delay == 0 {
		return fieldError("delay_ms", "kind delay needs one above 0")
	}
	return f.invalidAnswer()
}

// invalidAnswer judges the fields that belong to some kinds only.
func (f Fault) invalidAnswer() *FieldError {
	if f.Kind == Status {
		switch {
		case f.Status < 200 || f.Status > 599:
			return fieldError("status", "want 200 to 599")
		case !slices.Contains([]BodyKind{"", BodyJSON, BodyHTML, BodyEmpty}, f.Body):
			return fieldError("body", "%q is unknown", f.Body)
		}
		return nil
	}
	if f.Location != "" && f.Kind != HostileNext {
		return fieldError("location", "kind %s has none", f.Kind)
	}
	if f.Status != 0 {
		return fieldError("status", "kind %s has none", f.Kind)
	}
	for _, of := range []struct{ field, value string }{
		{"body", string(f.Body)}, {"retry_after", f.RetryAfter}, {"rate_limit_reason", f.RateLimitReason},
		{"rate_limit_reset", f.RateLimitReset}, {"failure_category", f.FailureCategory},
	} {
		if of.value != "" {
			return fieldError(of.field, "kind %s has none", f.Kind)
		}
	}
	return nil
}
