package breaker

import (
	"slices"
	"time"
)

// situation is where a world begins.
type situation struct {
	name     string
	settings Settings
	skew     [mostEnvs]int64 // of each environment's clock, in ms
	beyond   bool            // the clocks differ by more than is allowed: probes may overlap
	alike    bool            // the environments are equal at the start
	record   Record
	cold     bool // the environments have read nothing yet
	wins     int  // successes of the round under way
}

const dawn = int64(1_000_000)

// situations are chosen so that few calls reach what takes many from the
// start: the brink of opening, the instant before a probe, the last success.
func situations() []*situation {
	s := exploreSettings()
	at := func(ago int64) FailureID { return newFailureID(dawn-ago, "x", uint64(ago)) }
	open := Record{Generation: 5, Epoch: 5, Writer: "x#5", State: Open, Reason: "error", OpenedAt: dawn - 990, RetryAt: dawn + 10, FirstOpenedAt: dawn - 990, ConsecutiveOpens: 1, TrippedBy: 2}
	round := open
	round.Generation, round.Epoch, round.Writer, round.State, round.RetryAt, round.Successes = 8, 6, "x#8", HalfOpen, dawn-500, 1
	dead := round
	dead.ProbeOwner, dead.ProbeUntil = "x", dawn+300
	own := round
	own.ProbeOwner, own.ProbeUntil = "a0", dawn+300
	ahead := open
	ahead.OpenedAt, ahead.RetryAt = dawn+3_600_000, dawn+3_601_000 // by a clock an hour ahead
	leased := dead
	leased.ProbeUntil = dawn + 3_600_000
	begins := open
	begins.RetryAt, begins.OpenedAt = dawn, dawn-1000
	all := []*situation{
		{name: "cold", record: missing(), cold: true, alike: true},
		{name: "brink", record: Record{Generation: 3, Epoch: 3, Writer: "x#3", State: Closed, Failures: []FailureID{at(1500)}}, alike: true},
		{name: "full", record: Record{Generation: 3, Epoch: 3, Writer: "x#3", State: Closed, Failures: []FailureID{at(2050), at(2150)}}, alike: true},
		{name: "reached", record: Record{Generation: 3, Epoch: 3, Writer: "x#3", State: Closed, Failures: []FailureID{at(300), at(400)}}, alike: true},
		{name: "due", record: begins, alike: true},
		{name: "waits", record: open, skew: [mostEnvs]int64{-100, 100, 0}},
		{name: "round", record: round, wins: 1, alike: true},
		{name: "dead", record: dead, wins: 1, skew: [mostEnvs]int64{100, -100, 0}},
		{name: "own", record: own, wins: 1},
		{name: "ahead", record: ahead, cold: true, alike: true},
		{name: "leased", record: leased, wins: 1, cold: true, alike: true},
	}
	for _, one := range all {
		one.settings = s
	}
	skewed := *all[4]
	skewed.name, skewed.alike, skewed.skew = "skewed", false, [mostEnvs]int64{-100, 100, 0}
	adrift := skewed
	adrift.name, adrift.beyond, adrift.skew = "adrift", true, [mostEnvs]int64{-700, 700, 0}
	astray := *all[1]
	astray.name, astray.alike, astray.beyond, astray.skew = "astray", false, true, adrift.skew
	crowded := *all[1]
	crowded.name, crowded.settings.FailureThreshold = "crowded", 3
	crowded.record.Failures = []FailureID{at(2050), at(2060), at(500)}
	return append(all, &skewed, &adrift, &astray, &crowded)
}

func situationNamed(name string) *situation {
	all := situations()
	i := slices.IndexFunc(all, func(s *situation) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return all[i]
}

// begin returns the world of a situation.
func (s *situation) begin(b bounds) *world {
	if b.faults == 0 {
		b.faults = 1 << 30
	}
	w := &world{slots: make([]slot, b.envs*(b.calls+1)), situation: s, left: b, lone: nobody, now: dawn, record: s.record, successes: s.wins}
	for env := range b.envs {
		w.birth(env)
		if n := &w.envs[env]; !s.cold {
			n.record, n.known = s.record, true
			n.sent, n.answered = w.clock(env), w.clock(env)
			w.touchEnv(env)
		}
		for i := range b.calls {
			w.slots[env*b.calls+i].env = env
		}
		w.slots[w.beside(env)] = slot{env: env, phase: over}
	}
	for i := range w.slots {
		w.touchSlot(i)
	}
	return w
}

func exploreSettings() Settings {
	return Settings{
		Name: "c", FailureThreshold: 2, FailureWindow: 2 * time.Second, RecoveryTimeout: time.Second,
		SuccessThreshold: 2, ProbeTimeout: 500 * time.Millisecond, MaxClockSkew: 100 * time.Millisecond,
	}.WithDefaults()
}
