package breaker

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// OverrideMode is what an Override does to a circuit. Its text is what the
// store holds.
type OverrideMode string

const (
	OverrideOpen     OverrideMode = "open"     // every call is rejected
	OverrideClosed   OverrideMode = "closed"   // every call is admitted, failures are recorded all the same
	OverrideDisabled OverrideMode = "disabled" // every call is admitted, nothing is recorded
)

// Known reports whether m is one of the three modes.
func (m OverrideMode) Known() bool {
	return m == OverrideOpen || m == OverrideClosed || m == OverrideDisabled
}

// Limits of an Override. With texts of this length it adds 0.8 KB to the
// circuit's item, so that a write costs two of DynamoDB's units instead of one.
const (
	MaxOverride    = 7 * 24 * time.Hour
	MaxOverrideBy  = 256 // bytes
	MaxOverrideWhy = 512 // bytes
)

// Override is an operator's decision about a circuit, in force until it ends or
// is cleared. It never changes the circuit's state: failures still open the
// circuit underneath, unless it is disabled, and after the override the circuit
// is in the state it says. Nothing probes while an override is in force.
//
// An environment that can reach the store obeys an override once its record is
// older than Settings.MaxAge, plus the lag of the store's reads; while it rejects
// calls, within a second. During a store outage an environment keeps the last
// override it knows until that ends.
type Override struct {
	Mode  OverrideMode // required
	By    string       // who set it, required; UTF-8, at most MaxOverrideBy
	Why   string       // may be empty; UTF-8, at most MaxOverrideWhy
	Until time.Time    // required; to the millisecond, at most MaxOverride from now
}

// Validate returns the reasons why the override cannot be set now, joined.
func (o Override) Validate(now time.Time) error {
	var errs []error
	if !o.Mode.Known() {
		errs = append(errs, fmt.Errorf("mode %q: want open, closed or disabled", o.Mode))
	}
	if err := validateBy(o.By); err != nil {
		errs = append(errs, err)
	}
	if len(o.Why) > MaxOverrideWhy || !utf8.ValidString(o.Why) {
		errs = append(errs, fmt.Errorf("why: want at most %d bytes of text", MaxOverrideWhy))
	}
	if lasts := o.Until.UnixMilli() - now.UnixMilli(); lasts <= 0 || lasts > ms(MaxOverride) {
		errs = append(errs, fmt.Errorf("until: want a time within the next %s", MaxOverride))
	}
	if len(errs) > 0 {
		return fmt.Errorf("override: %w", errors.Join(errs...))
	}
	return nil
}

// validateBy checks the name of who sets or clears an override.
func validateBy(by string) error {
	if by == "" || len(by) > MaxOverrideBy || !utf8.ValidString(by) {
		return fmt.Errorf("by: want 1 to %d bytes of text", MaxOverrideBy)
	}
	return nil
}

// overrideOf returns the override that a record holds, in force or not.
func overrideOf(r Record) *Override {
	return &Override{r.OverrideMode, r.OverrideBy, r.OverrideWhy, time.UnixMilli(r.OverrideUntil).UTC()}
}

// maxOverrideConflicts is how many times an override is decided again after
// another write came first.
const maxOverrideConflicts = 10

// errConflicts ends an override whose every write came after another's.
var errConflicts = fmt.Errorf("gave up after %d conflicting updates", maxOverrideConflicts)

// SetOverride sets o on the circuit and replaces the override that is there. It
// writes nothing if o is not valid. It waits at most Settings.PrimeTimeout, and
// Settings.StoreTimeout for the history. After an error of the store the
// override may be in force or not: set it again.
func (b *Breaker) SetOverride(ctx context.Context, o Override) error {
	if err := o.Validate(b.now()); err != nil {
		return fmt.Errorf("circuit '%s': %w", b.Name(), err)
	}
	return b.changeOverride(ctx, o)
}

// ClearOverride ends the override in force. It is no error if there is none. by
// is who clears it, with the limits of Override.By; the history shows it next to
// who set the override. ClearOverride waits and fails as SetOverride does.
func (b *Breaker) ClearOverride(ctx context.Context, by string) error {
	if err := validateBy(by); err != nil {
		return fmt.Errorf("circuit '%s': override: %w", b.Name(), err)
	}
	return b.changeOverride(ctx, Override{By: by})
}

// Override reads the override in force with a consistent read and reports
// whether there is one. It waits at most Settings.PrimeTimeout and fails if the
// store does.
func (b *Breaker) Override(ctx context.Context) (Override, bool, error) {
	s, err := b.Stats(ctx)
	if err != nil || s.Override == nil {
		return Override{}, false, err
	}
	return *s.Override, true, nil
}

func (b *Breaker) changeOverride(ctx context.Context, o Override) error {
	ctx, cancel := context.WithTimeout(ctx, b.node.PrimeTimeout)
	defer cancel()
	result := b.run(ctx, new(call), func(c *call, e event) op { return b.node.override(c, o, e) })
	if result.err != nil {
		return fmt.Errorf("circuit '%s': override: %w", b.Name(), result.err)
	}
	return nil
}

// override sets o, or if o has no Mode clears the override in force.
func (n *node) override(c *call, o Override, e event) op {
	c.stage, c.override, c.conflicts = readingOverride, &o, 0
	return n.issue(c, e, op{kind: opLoad, consistent: true, attached: true})
}

func (n *node) overrideNow(c *call, e event) op {
	if _, mode := n.effectiveState(e.record, e.now); mode == "" && c.override.Mode == "" {
		return n.done(c) // none to clear
	}
	c.stage = overriding
	o := n.write(c, n.machine.override(e.record, *c.override, n.nextID()))
	o.attached = true
	return o
}

func (n *node) overridden(c *call, e event) op {
	switch {
	case e.held:
		return n.done(c)
	case c.exceeds(maxOverrideConflicts - 1):
		return n.failed(c, errConflicts)
	default:
		return n.overrideNow(c, e)
	}
}
