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

// Known tells whether m is one of the three modes.
func (m OverrideMode) Known() bool {
	return m == OverrideOpen || m == OverrideClosed || m == OverrideDisabled
}

// Limits of an Override. One with texts as long as these adds 0.8 KB to the
// circuit's item, so that a write costs two of DynamoDB's units instead of one
// while the item has it.
const (
	MaxOverride    = 7 * 24 * time.Hour
	MaxOverrideBy  = 256 // bytes
	MaxOverrideWhy = 512 // bytes
)

// Override is an operator's decision that lies over a circuit until it ends or
// is cleared. It never changes the circuit's state: what would have opened it
// still does underneath, unless it is disabled, and once the override has
// ended the circuit stands as its state says. While it is in force nothing
// probes.
//
// Every environment with the store at hand obeys it once its record is older
// than Settings.MaxAge, plus the lag of the store's reads; for one that is
// rejecting calls that is a second at most. An environment whose store is away
// keeps the last override that it knows until that ends.
type Override struct {
	Mode  OverrideMode // required
	By    string       // who, required; UTF-8, at most MaxOverrideBy
	Why   string       // may be empty; UTF-8, at most MaxOverrideWhy
	Until time.Time    // required; to the millisecond, at most MaxOverride from now
}

// Validate reports all that is wrong with an override that is to be set now,
// joined.
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

// validateBy reports what is wrong with the name of who sets or clears an
// override.
func validateBy(by string) error {
	if by == "" || len(by) > MaxOverrideBy || !utf8.ValidString(by) {
		return fmt.Errorf("by: want 1 to %d bytes of text", MaxOverrideBy)
	}
	return nil
}

// overrideOf is the override that a record holds, in force or not.
func overrideOf(r Record) *Override {
	return &Override{r.OverrideMode, r.OverrideBy, r.OverrideWhy, time.UnixMilli(r.OverrideUntil).UTC()}
}

// overrideRounds bounds how often an override is applied again to a record
// that others change meanwhile.
const overrideRounds = 10

// SetOverride lays o over the circuit, in place of an override that it has. An
// o that Validate refuses is an error, and nothing is written. It waits at most
// Settings.PrimeTimeout, and Settings.StoreTimeout for the history. After an
// error of the store the override may be in force or not: set it again.
func (b *Breaker) SetOverride(ctx context.Context, o Override) error {
	if err := o.Validate(b.now()); err != nil {
		return fmt.Errorf("circuit '%s': %w", b.Name(), err)
	}
	return b.changeOverride(ctx, o, "")
}

// ClearOverride ends the override in force, if there is one; none is no error.
// by is who does so, required and as bounded as Override.By: the history shows
// it beside who had set the override. It waits and fails as SetOverride does.
func (b *Breaker) ClearOverride(ctx context.Context, by string) error {
	if err := validateBy(by); err != nil {
		return fmt.Errorf("circuit '%s': override: %w", b.Name(), err)
	}
	return b.changeOverride(ctx, Override{}, by)
}

// Override reads, strongly consistently, the override in force, and whether
// there is one. It waits at most Settings.PrimeTimeout and fails if the store
// does.
func (b *Breaker) Override(ctx context.Context) (Override, bool, error) {
	s, err := b.Stats(ctx)
	if err != nil || s.Override == nil {
		return Override{}, false, err
	}
	return *s.Override, true, nil
}

// changeOverride sets o, or if it has no mode clears what there is.
func (b *Breaker) changeOverride(ctx context.Context, o Override, clearedBy string) error {
	ctx, cancel := context.WithTimeout(ctx, b.node.PrimeTimeout)
	defer cancel()
	r, err := b.store.Load(ctx, b.Name(), true)
	for round := 0; err == nil && round < overrideRounds; round++ {
		sent := b.now().UnixMilli()
		if _, mode := b.node.effectiveState(r, sent); o.Mode == "" && mode == "" {
			return nil
		}
		change := b.node.override(r, o, b.newWriter())
		var held bool
		if r, held, err = b.store.Change(ctx, b.Name(), change); err == nil && held {
			b.overridden(ctx, change, clearedBy, event{sent: sent, record: r, authoritative: true})
			return nil
		}
	}
	if err == nil {
		err = errors.New("the circuit changes all the time")
	}
	return fmt.Errorf("circuit '%s': override: %w", b.Name(), err)
}

func (b *Breaker) newWriter() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.node.nextID()
}

// overridden takes note of an override that was set or cleared here.
func (b *Breaker) overridden(ctx context.Context, c Change, clearedBy string, e event) {
	e.now = b.now().UnixMilli()
	b.mu.Lock()
	b.node.adopt(e)
	b.fast.Store(b.node.freshness(b.fast.Load()))
	b.mu.Unlock()

	t := Transition{
		Circuit: b.Name(), From: c.From.State, To: c.To.State, Generation: c.To.Generation,
		At: time.UnixMilli(e.now).UTC(), Opens: c.To.ConsecutiveOpens, Override: overrideOf(c.To),
	}
	if c.To.OverrideMode == "" {
		t.Override, t.Cleared, t.ClearedBy = overrideOf(c.From), true, clearedBy
	}
	b.notify(ctx, notice{transition: &t})
	b.recordHistory(ctx, t)
}
