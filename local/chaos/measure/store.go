package main

import (
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/local/chaos/wire"
	"github.com/coldfuse/coldfuse/local/storeproxy"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

const period = 15 * time.Second

// healthy measures what the breaker costs while nothing is wrong, which depends
// on how often an environment is called.
func healthy(b *bench) ([]row, error) {
	once, err := b.healthy(perSecond)
	if err != nil {
		return nil, err
	}
	twice, err := b.healthy(2 * perSecond)
	return append(once, twice...), err
}

func (b *bench) healthy(rate float64) (rows []row, err error) {
	what := fmt.Sprintf("healthy, %g calls/s an environment: ", rate/fleet)
	err = b.with(breaker.Settings{}, rate, func(w world) error {
		began, before := time.Now(), w.Requests()
		w.pause(period)
		after, added := w.Requests(), w.added(began)
		calls, waits := float64(len(added)), 0
		for _, d := range added {
			if d > waiting {
				waits++
			}
		}
		rows = []row{
			{what + "store reads / writes per call", "at most 0.2 / 0", fmt.Sprintf("%.2f / %.2f", float64(after["GetItem"]-before["GetItem"])/calls, float64(after["UpdateItem"]-before["UpdateItem"])/calls)},
			{what + "calls that wait for the store", "at most 5 %", fmt.Sprintf("%.1f %%", 100*float64(waits)/calls)},
			{what + "added latency p50 / p90", "at most 0.03 / 0.1 ms", milliseconds(quantile(added, 0.5)) + " / " + milliseconds(quantile(added, 0.9))},
		}
		return nil
	})
	return rows, err
}

// waiting is what no call takes that does not wait for the store.
const waiting = 500 * time.Microsecond

// added gives what the breaker has added to each call since an instant.
func (w world) added(since time.Time) (added []time.Duration) {
	for _, r := range w.Fleet.Reports() {
		if r.Kind == wire.Done && r.At.After(since) {
			added = append(added, r.Before+r.After)
		}
	}
	return added
}

func storeRefused(b *bench) ([]row, error) {
	return b.storeAway("store refuses connections, dependency healthy", storeproxy.Fault{Mode: storeproxy.Refuse}, "at most 100 ms once per back-off period (p90 below 1 ms)")
}

func storeHangs(b *bench) ([]row, error) {
	return b.storeAway("store hangs, dependency healthy", storeproxy.Fault{Mode: storeproxy.Hang}, "at most 100 ms, then nothing")
}

func (b *bench) storeAway(what string, f storeproxy.Fault, target string) (rows []row, err error) {
	err = b.with(breaker.Settings{}, perSecond, func(w world) error {
		began := time.Now()
		if err := w.Break(f); err != nil {
			return err
		}
		w.pause(period)
		added, waits := w.added(began), 0
		for _, d := range added {
			if d > waiting {
				waits++
			}
		}
		log, err := w.Log()
		rows = []row{{what + ": added p90 / p99 / most", target, fmt.Sprintf("%s / %s / %s; %d of %d calls waited, %d were refused",
			milliseconds(quantile(added, 0.9)), milliseconds(quantile(added, 0.99)), milliseconds(quantile(added, 1)), waits, len(added), log.Summary().Rejected)}}
		return err
	})
	return rows, err
}

// bothAway counts what reaches a dead dependency while the store refuses.
func bothAway(b *bench) (rows []row, err error) {
	const calls, recovery = 1001, 5 * time.Second
	err = b.with(breaker.Settings{RecoveryTimeout: recovery}, perSecond, func(w world) error {
		began := time.Now()
		if err := w.Break(storeproxy.Fault{Mode: storeproxy.Refuse}); err != nil {
			return err
		}
		w.Dependency.Set(fails)
		if err := w.until("enough calls", func() bool { return len(w.added(began)) >= calls }); err != nil {
			return err
		}
		took, reached := time.Since(began), 0
		for _, r := range w.Dependency.Requests() {
			if r.Began.After(began) && r.Status == fails.Status {
				reached++
			}
		}
		most := fleet * (breaker.DefaultFailureThreshold + int(took/recovery))
		rows = []row{{
			fmt.Sprintf("store refused and dependency dead: of %d calls reached it", calls), fmt.Sprintf("at most 20 × (5 + one per recovery time of 5 s) = %d", most),
			fmt.Sprint(reached),
		}}
		return nil
	})
	return rows, err
}
