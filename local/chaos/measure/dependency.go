package main

import (
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/local/chaos"
	"github.com/coldfuse/coldfuse/local/chaos/wire"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// dying measures what reaches a dependency that fails from one instant on.
func dying(b *bench) ([]row, error) {
	return b.dying("dependency dies", breaker.Settings{}, "median at most 16, worst 24", "median 0.7 s, p95 1.0 s")
}

func dyingReadFirst(b *bench) ([]row, error) {
	return b.dying("the same, read-first", breaker.Settings{MaxAge: -1}, "median 7, worst 12", "median 0.1 s, p95 0.2 s")
}

func (b *bench) dying(what string, s breaker.Settings, targetCalls, targetTime string) ([]row, error) {
	var calls []int
	var spans []time.Duration
	alone := 0
	s.RecoveryTimeout = 2 * time.Second
	err := b.with(s, perSecond, func(w world) error {
		for range b.rounds {
			n, local, span, err := w.die()
			if err != nil {
				return err
			}
			calls, spans = append(calls, n), append(spans, span)
			alone += local
		}
		return nil
	})
	return []row{
		{what + ": failing calls that reach it", targetCalls, fmt.Sprintf("median %d, worst %d of %d (and %d in all from environments that found the store too slow)", quantile(calls, 0.5), quantile(calls, 1), len(calls), alone)},
		{what + ": from the first to the last failing call", targetTime, fmt.Sprintf("median %s, worst %s", seconds(quantile(spans, 0.5)), seconds(quantile(spans, 1)))},
	}, err
}

// die has the dependency fail until the circuit has opened, counts what reached
// it but for probes, and heals it. Calls of environments that have lost the store
// are counted apart, as local.
func (w world) die() (calls, local int, span time.Duration, err error) {
	died := time.Now()
	w.Dependency.Set(fails)
	if err := w.untilState(breaker.Open); err != nil {
		return 0, 0, 0, err
	}
	w.pause(1700 * time.Millisecond) // as long as a record may be trusted, and before the first probe
	var first, last time.Time
	for _, r := range w.Dependency.Requests() {
		if r.Began.Before(died) || r.Probe || r.Status != fails.Status {
			continue
		}
		if r.Local {
			local++
			continue
		}
		if calls++; calls == 1 {
			first = r.Began
		}
		last = r.Began
	}
	w.Dependency.Set(answers)
	if err := w.untilState(breaker.Closed); err != nil {
		return 0, 0, 0, err
	}
	w.pause(2 * time.Second) // until all know of it
	return calls, local, last.Sub(first), nil
}

// together has every environment fail once at the same instant.
func together(b *bench) ([]row, error) {
	var state, cold string
	err := b.with(breaker.Settings{}, perSecond, func(w world) error {
		w.stop()
		w.Dependency.Set(chaos.Behaviour{Status: 503, Latency: 300 * time.Millisecond})
		w.Fleet.Together(w.ctx, w.Fleet.Idle())
		record, err := w.Record(w.ctx)
		if err != nil {
			return err
		}
		added, err := w.Fleet.Add(w.ctx, 1)
		if err != nil {
			return err
		}
		report, _ := w.Fleet.Call(w.ctx, added[0])
		state, cold = string(record.State), string(report.Outcome)
		return nil
	})
	return []row{{"20 environments fail once at the same instant", "open, and a cold environment is rejected", fmt.Sprintf("%s, and a cold environment's call is %s", state, cold)}}, err
}

// deadWindows counts the probes and writes of six recovery times of a dead
// dependency, and then how soon everybody knows that it is back.
func deadWindows(b *bench) (rows []row, err error) {
	err = b.with(breaker.Settings{RecoveryTimeout: 5 * time.Second}, perSecond, func(w world) error {
		w.Dependency.Set(fails)
		if err := w.untilState(breaker.Open); err != nil {
			return err
		}
		w.pause(2 * time.Second) // the last failures of closed times are written
		writes := w.Requests()["UpdateItem"]
		if err := w.until("six probes have failed", func() bool { return w.openings() == 7 }); err != nil {
			return err
		}
		w.pause(time.Second)
		log, err := w.Log()
		if err != nil {
			return err
		}
		rows = append(rows, row{
			"six dead recovery windows of 5 s: probes / writes", "6 / at most 16",
			fmt.Sprintf("%d / %d", log.Summary().FleetProbes, w.Requests()["UpdateItem"]-writes),
		})
		healed := time.Now()
		w.Dependency.Set(answers)
		after, _, err := w.recovered(healed)
		rows = append(rows, row{"healed: last rejected call after the first good probe", "at most 0.4 s", seconds(after)})
		return err
	})
	return rows, err
}

func (w world) openings() int {
	log, err := w.Log()
	if err != nil {
		return 0
	}
	return log.Summary().Openings
}

// recovered waits until the circuit has closed and everybody knows, and gives
// how long after the first good probe, and after the healing, the last call was
// rejected.
func (w world) recovered(healed time.Time) (afterProbe, afterHealing time.Duration, err error) {
	if err := w.untilState(breaker.Closed); err != nil {
		return 0, 0, err
	}
	w.pause(3 * time.Second)
	log, err := w.Log()
	if err != nil {
		return 0, 0, err
	}
	var probe, last time.Time
	for _, r := range log.Requests {
		if probe.IsZero() && r.Began.After(healed) && r.Probe && r.Status == 200 {
			probe = r.Ended
		}
	}
	for _, r := range log.Reports {
		if r.Kind == wire.Done && r.Outcome == wire.Rejected && r.At.After(last) {
			last = r.At
		}
	}
	return max(0, last.Sub(probe)), max(0, last.Sub(healed)), nil
}

// slowTraffic measures the way back where calls are few.
func slowTraffic(b *bench) ([]row, error) {
	var spans []time.Duration
	err := b.with(breaker.Settings{RecoveryTimeout: 5 * time.Second}, 5, func(w world) error {
		for range b.rounds {
			w.Dependency.Set(fails)
			if err := w.untilState(breaker.Open); err != nil {
				return err
			}
			healed := time.Now()
			w.Dependency.Set(answers)
			_, span, err := w.recovered(healed)
			if err != nil {
				return err
			}
			spans = append(spans, span)
		}
		return nil
	})
	return []row{{
		"the same at 5 calls/s, healed just after the opening: to the last rejected call", "at most 6 s (5 s of it recovery time)",
		fmt.Sprintf("median %s, worst %s of %d", seconds(quantile(spans, 0.5)), seconds(quantile(spans, 1)), len(spans)),
	}}, err
}

// killedProber kills probers in the middle, with a lease of 5 s.
func killedProber(b *bench) ([]row, error) {
	var afterKill, afterLease []time.Duration
	s := breaker.Settings{RecoveryTimeout: 2 * time.Second, ProbeTimeout: 3700 * time.Millisecond}
	err := b.with(s, perSecond, func(w world) error {
		for range b.rounds {
			kill, lease, err := w.killProber()
			if err != nil {
				return err
			}
			afterKill, afterLease = append(afterKill, kill), append(afterLease, lease)
		}
		return nil
	})
	return []row{{
		"prober killed -9: next probe after the kill (5 s lease)", "with the next call after the lease",
		fmt.Sprintf("median %s; %s after the lease, worst %s of %d", seconds(quantile(afterKill, 0.5)), seconds(quantile(afterLease, 0.5)), seconds(quantile(afterLease, 1)), len(afterLease)),
	}}, err
}

// killProber opens the circuit, kills its first prober, and gives how long
// after that, and after the lease, the next probe began.
func (w world) killProber() (afterKill, afterLease time.Duration, err error) {
	w.Dependency.Set(fails)
	if err := w.untilState(breaker.Open); err != nil {
		return 0, 0, err
	}
	w.Dependency.Set(chaos.Behaviour{Latency: time.Second})
	first, err := w.probe(time.Time{})
	if err != nil {
		return 0, 0, err
	}
	killed := time.Now()
	w.Fleet.Find(first.Environment).Kill()
	lease := w.Last().ProbeUntil
	w.Dependency.Set(answers)
	next, err := w.probe(first.Began)
	if err != nil {
		return 0, 0, err
	}
	if err := w.untilState(breaker.Closed); err != nil {
		return 0, 0, err
	}
	_, err = w.Fleet.Add(w.ctx, 1)
	w.pause(2 * time.Second)
	return next.Began.Sub(killed), next.Began.Sub(lease), err
}

// probe waits for a fleet probe that began after an instant, and is under way
// if that is zero.
func (w world) probe(after time.Time) (found chaos.Request, err error) {
	if after.IsZero() {
		err = w.until("a probe is under way", func() (ok bool) { found, ok = w.Dependency.Probing(); return ok })
		return found, err
	}
	err = w.until("another probe", func() bool {
		for _, r := range w.Dependency.Requests() {
			if r.Probe && !r.Local && r.Began.After(after) {
				found = r
				return true
			}
		}
		return false
	})
	return found, err
}
