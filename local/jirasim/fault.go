package jirasim

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

// Fault strikes the requests of one operation or of all. The zero value is
// none.
type Fault struct {
	Kind      Kind      `json:"kind"`
	Operation Operation `json:"operation,omitempty"` // empty: every one
	Times     int       `json:"times,omitempty"`     // 0: until healed

	// Delay comes first, whatever the kind: at most 10 minutes. A request
	// whose client leaves meanwhile is not performed.
	Delay time.Duration `json:"-"`

	// AfterCommit lets Status, Delay, Hang and Reset strike once the request
	// has been performed: the issue exists, but the client does not hear of it.
	AfterCommit bool `json:"after_commit,omitempty"`

	// The rest belongs to Status.
	Status          int      `json:"status,omitempty"`            // 200 to 599
	Body            BodyKind `json:"body,omitempty"`              // empty: BodyJSON
	RetryAfter      string   `json:"retry_after,omitempty"`       // the header as it is
	RateLimitReason string   `json:"rate_limit_reason,omitempty"` // the header as it is
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

// Validate gives a *FieldError for the first field that is wrong.
func (f Fault) Validate() error {
	if err := f.invalid(); err != nil {
		return err
	}
	return nil // not err: a nil *FieldError is an error
}

func (f Fault) invalid() *FieldError {
	switch f.Kind {
	case Status, Delay, Hang, Reset:
	case ExpiredToken, BadJSON, Down, Refuse:
		if f.AfterCommit {
			return fieldError("after_commit", "kind %s has none", f.Kind)
		}
	default:
		return fieldError("kind", "%q is unknown", f.Kind)
	}
	if f.Operation != "" && !slices.Contains(operations(), f.Operation) {
		return fieldError("operation", "%q is unknown", f.Operation)
	}
	if f.Operation != "" && (f.Kind == Down || f.Kind == Refuse) {
		return fieldError("operation", "kind %s is for every one", f.Kind)
	}
	if f.Times < 0 {
		return fieldError("times", "%d is negative", f.Times)
	}
	if f.Delay < 0 || f.Delay > maxDelay {
		return fieldError("delay_ms", "want 0 to %d", maxDelay.Milliseconds())
	}
	if f.Kind == Delay && f.Delay == 0 {
		return fieldError("delay_ms", "kind delay needs one above 0")
	}
	return f.invalidAnswer()
}

// invalidAnswer judges the fields that belong to Status.
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
	switch {
	case f.Status != 0:
		return fieldError("status", "kind %s has none", f.Kind)
	case f.Body != "":
		return fieldError("body", "kind %s has none", f.Kind)
	case f.RetryAfter != "":
		return fieldError("retry_after", "kind %s has none", f.Kind)
	case f.RateLimitReason != "":
		return fieldError("rate_limit_reason", "kind %s has none", f.Kind)
	}
	return nil
}
