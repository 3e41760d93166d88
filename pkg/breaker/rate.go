package breaker

import (
	"math"
	"time"
)

// The failure rate is a token bucket that the whole fleet fills: a failure takes
// one token of FailureThreshold, a success returns rate / (1 - rate) of one, and
// an empty bucket opens the circuit. It is judged over stretches of time that
// end now: successes of the time before a stretch do not make up for failures in
// it. docs/decisions/029-failure-rate.md compares the rule with others.
//
// A fleet that counts every success would write at every call. So calls are
// counted only while there is a failure in the window, and of many calls a
// sample is: one in w is recorded, and counts w.
const (
	sampledPerMinute = 200 // calls of each kind that are recorded at most, on average
	mostPerSecond    = 25  // failures that are recorded in a second of a growing outage
	unknownFleet     = 50  // failures in the window for which a fleet of unknown traffic takes a weight of 1
	evidence         = 1   // seconds of the tolerated failures that open the circuit, if they are more than the threshold
	firstEvidence    = 0.5 // the same for the first second of counting
	margin           = 2   // standard deviations of the sampling that are no evidence

	sixths, seconds = 6, 5 // intervals of each length that are judged
	second          = 1_000

	// countingGrace is how long, in ms, counting takes to be known everywhere: 1.5
	// times DefaultMaxAge. Until then successes are reckoned from the traffic.
	countingGrace = 1_800

	// The traffic on record counts as trafficHint ms of calls when counting begins,
	// and as none when it is trafficHintUsed ms old.
	trafficHint     = 1_500
	trafficHintUsed = 5_000

	// For so many ms after closing calls are counted without a failure. A fleet
	// whose outages are all sudden would never learn its traffic.
	learning = 10_000

	// A fleet without a traffic on record samples successes with 1 in
	// 2^cautious at first, and doubles that each halving ms.
	// It does not open by the fleet's calls before that weight is 1.
	cautious     = 8
	halving      = 300
	unknownGrace = cautious * halving
)

// shortestRateWindow is the shortest window over which a rate is judged. In less,
// counting would end before the traffic is known.
const shortestRateWindow = 10 * time.Second

func (s Settings) rateWindow() time.Duration { return max(s.FailureWindow, shortestRateWindow) }

// ledger is what a closed record says of the calls in its window.
type ledger struct {
	rate      float64
	threshold float64
	window    int64 // ms
	now       int64
	sixth     int64   // ms
	hint      float64 // calls/s by the traffic on record; 0: unknown

	on     bool  // counting: there is a failure in the window, or the circuit has just closed
	since  int64 // when it began
	sixths [sixths]outcomes
	second [seconds]outcomes // [0] is the current one, [1] the one before …
}

// outcomes are the calls of an interval. They are weighted.
type outcomes struct{ failures, successes float64 }

func (o outcomes) plus(other outcomes) outcomes {
	return outcomes{o.failures + other.failures, o.successes + other.successes}
}

// ledger returns the calls that a record shows to an environment whose clock
// says now.
func (m machine) ledger(r Record, now int64) ledger {
	l := ledger{
		rate: m.FailureRate, threshold: float64(m.FailureThreshold), window: ms(m.rateWindow()),
		now: m.newest(r, now), sixth: ms(m.rateWindow()) / sixths, hint: float64(r.Traffic) / 60,
	}
	for _, id := range r.Failures {
		if at := id.At(); l.now-at <= l.window && at-l.now <= ms(2*m.MaxClockSkew) {
			l.add(at, 1)
		}
	}
	if since := l.now - r.ClosedAt; r.ClosedAt > 0 && since < learning && since >= -ms(2*m.MaxClockSkew) {
		l.begin(r.ClosedAt)
	}
	for _, c := range r.Counts {
		if c.Epoch == r.Epoch {
			l.count(c, l.now+ms(2*m.MaxClockSkew))
		}
	}
	return l
}

// newest returns now, or the newest time that the record shows if that is later
// by what two clocks may differ. An environment that is behind would see the
// failures of those ahead, and not the successes.
func (m machine) newest(r Record, now int64) int64 {
	newest, latest := now, now+ms(2*m.MaxClockSkew)
	later := func(at int64) {
		if at > newest && at <= latest {
			newest = at
		}
	}
	later(r.LastFailureAt)
	for _, c := range r.Counts {
		if c.Epoch == r.Epoch && c.Kind.bySecond() {
			later(c.Bucket * second)
		}
	}
	return newest
}

// add adds failures that ended at a time.
func (l *ledger) add(at int64, failures float64) {
	if i := max(0, l.now/l.sixth-at/l.sixth); i < sixths {
		l.sixths[i].failures += failures
	}
	if i := max(0, l.now/second-at/second); i < seconds {
		l.second[i].failures += failures
	}
	l.begin(at)
}

// begin notes that calls have been counted since a time.
func (l *ledger) begin(at int64) {
	if !l.on || at < l.since {
		l.on, l.since = true, at
	}
}

// count adds a Count. One of the future beyond latest, or older than what is
// judged, is nothing.
func (l *ledger) count(c Count, latest int64) {
	intervals, length := l.sixths[:], l.sixth
	if c.Kind.bySecond() {
		intervals, length = l.second[:], second
	}
	i := l.now/length - c.Bucket
	if i >= int64(len(intervals)) || c.Bucket*length > latest {
		return
	}
	o := &intervals[max(0, i)]
	if c.Kind.failed() {
		o.failures += float64(c.Calls)
	} else {
		o.successes += float64(c.Calls)
	}
	if !c.Kind.bySecond() {
		l.on = l.on || c.Kind.failed() && c.Calls > 0
		l.sooner(c.Bucket)
	}
}

// sooner notes that calls were counted in a sixth. Only if it is an earlier one
// than that in which counting is known to have begun does it say when: at its
// beginning a sixth may have been without a failure.
func (l *ledger) sooner(sixth int64) {
	if l.since == 0 || sixth < l.since/l.sixth {
		l.since = sixth * l.sixth
	}
}

// age is how long calls have been counted, in ms.
func (l *ledger) age() int64 { return max(0, l.now-l.since) }

// all returns the calls of the window.
func (l *ledger) all() (o outcomes) {
	for _, interval := range l.sixths {
		o = o.plus(interval)
	}
	return o
}

// hintLength returns how many seconds of calls the traffic on record counts as.
func (l *ledger) hintLength() float64 {
	return trafficHint / 1e3 * max(0, 1-float64(l.age())/trafficHintUsed)
}

// traffic returns the calls a second: those recorded in this sixth and the one
// before, and the hint. Until every environment counts it is at least the hint.
// Without a hint it is 0 until a success is counted.
func (l *ledger) traffic() float64 {
	o := l.sixths[0].plus(l.sixths[1])
	begin := max(l.since, (l.now/l.sixth-1)*l.sixth)
	length := float64(max(0, l.now-begin)) / 1e3
	calls := o.failures + o.successes
	if l.hint == 0 {
		if o.successes == 0 {
			return 0
		}
		return calls / max(0.5, length)
	}
	h := l.hintLength()
	traffic := (calls + h*l.hint) / max(0.5, length+h)
	if l.age() < countingGrace {
		return max(traffic, l.hint)
	}
	return traffic
}

// perMinute returns the traffic to be written on record, or 0 while it is
// reckoned from the one that is there: that would decay by being used.
func (l *ledger) perMinute() int64 {
	if l.age() < trafficHintUsed {
		return 0
	}
	return int64(math.Round(l.traffic() * 60))
}

// failureWeight returns for how many failures one is recorded.
func (l *ledger) failureWeight() int64 {
	failures := l.all().failures
	w := max(1, failures/(sampledPerMinute*float64(l.window)/60_000), l.rate*l.traffic()/mostPerSecond)
	if l.hint == 0 {
		w = max(w, failures/unknownFleet)
	}
	return int64(math.Ceil(w))
}

// successWeight returns for how many successes one is recorded.
func (l *ledger) successWeight() int64 {
	w := max(1, l.traffic()*60/(sampledPerMinute*min(1, max(1, l.all().failures)/l.threshold)))
	if l.hint == 0 {
		w = max(w, math.Exp2(cautious-float64(l.age())/halving))
	}
	return int64(math.Ceil(w))
}

// stretch is the calls of a time that ends now, and how near they are to opening
// the circuit: at needed or more, excess opens it.
type stretch struct {
	outcomes
	calls          float64 // successes that nobody could yet have counted included
	excess, needed float64
}

func (s stretch) nearness() float64 { return max(0, s.excess) / s.needed }

// worst returns the stretch that is nearest to opening the circuit: of those that
// begin with one of the last seconds, one of the window's sixths, or counting
// itself if that has just begun. A first failure in good health is evidence of an
// outage, so the last takes less of it.
func (l *ledger) worst() stretch {
	j := judgement{l, l.traffic(), float64(l.failureWeight()), float64(l.successWeight())}
	var worst stretch
	worse := func(s stretch) {
		if worst.needed == 0 || s.excess-s.needed > worst.excess-worst.needed {
			worst = s
		}
	}
	var sum outcomes
	for i, interval := range l.second {
		sum = sum.plus(interval)
		worse(j.stretch(sum, (l.now/second-int64(i))*second, evidence))
	}
	if l.age() < second {
		worse(j.stretch(l.second[0].plus(l.second[1]), l.since, firstEvidence))
	}
	sum = outcomes{}
	for i, interval := range l.sixths {
		sum = sum.plus(interval)
		worse(j.stretch(sum, (l.now/l.sixth-int64(i))*l.sixth, evidence))
	}
	return worst
}

// judgement is what all stretches of a ledger are judged by.
type judgement struct {
	*ledger
	calls                        float64 // a second
	failureWeight, successWeight float64
}

// stretch returns that of the outcomes since begin, which opens the circuit if its
// failures exceed those tolerated in so many seconds.
func (j judgement) stretch(o outcomes, begin int64, seconds float64) stretch {
	reckoned := j.calls * float64(min(j.now-begin, countingGrace)) / 1e3
	calls := o.successes + max(o.failures, reckoned)
	r := j.rate
	sampling := (1-r)*(1-r)*o.failures*(j.failureWeight-1) + r*r*o.successes*(j.successWeight-1)
	return stretch{
		outcomes: o, calls: calls,
		excess: o.failures - r*calls - margin*math.Sqrt(sampling),
		needed: (1 - r) * max(j.threshold*j.failureWeight, r*j.calls*seconds),
	}
}

// rounding is what sums of floating-point numbers may be off by.
const rounding = 1e-9

// opens reports whether the failures exceed the rate. emptied is whether this
// environment's own calls alone do, which need no successes of others to be
// counted. Without that, a circuit without a traffic on record waits until the
// fleet's successes are counted: a busy one would open at its first errors, close,
// and never learn its traffic.
func (l *ledger) opens(s stretch, emptied bool) bool {
	if l.hint == 0 && l.age() < unknownGrace {
		return emptied
	}
	return s.excess >= s.needed-rounding
}

// suspicious reports whether the circuit may open soon.
func (l *ledger) suspicious() bool {
	return l.lastFailures() && l.worst().nearness() >= 0.5
}

// lastFailures reports whether there is a failure in the last seconds.
func (l *ledger) lastFailures() bool {
	for _, o := range l.second {
		if o.failures > 0 {
			return true
		}
	}
	return false
}

// drawn reports whether a call is the one of weight that is recorded. The same
// random number is drawn at a higher weight only if at a lower one, too.
func drawn(random uint64, weight int64) bool {
	return weight <= 1 || random < math.MaxUint64/uint64(weight)
}

// countsAt returns the counts of calls that end now, in both kinds of interval.
func (m machine) countsAt(now, epoch, calls int64, failed bool) []Count {
	bySixth, bySecond := SuccessesOfSixth, SuccessesOfSecond
	if failed {
		bySixth, bySecond = FailuresOfSixth, FailuresOfSecond
	}
	return []Count{
		{Kind: bySixth, Epoch: epoch, Bucket: now / (ms(m.rateWindow()) / sixths), Calls: calls},
		{Kind: bySecond, Epoch: epoch, Bucket: now / second, Calls: calls},
	}
}

// gone returns the record's counts that mean nothing to any environment: of
// another epoch, or out of the window for a clock that is as far behind as
// allowed.
func (m machine) gone(r Record, now int64) []Count {
	var gone []Count
	slack := ms(2 * m.MaxClockSkew)
	for _, c := range r.Counts {
		length, kept := ms(m.rateWindow())/sixths, ms(m.rateWindow())
		if c.Kind.bySecond() {
			length, kept = second, seconds*second
		}
		if c.Epoch != r.Epoch || (c.Bucket+1)*length < now-kept-slack {
			gone = append(gone, c)
		}
	}
	return gone
}

// ownBucket is the token bucket of one environment's own calls, each of them
// counted. It alone decides during a store outage.
type ownBucket struct {
	epoch int64
	taken float64 // tokens
}

// succeed puts back what a success makes up for.
func (b *ownBucket) succeed(rate float64) { b.taken = max(0, b.taken-rate/(1-rate)) }

// estimate returns the failure rate that counts show, and of how many calls. They
// are off by some 10 % of themselves where calls are sampled.
func (l *ledger) estimate() (rate float64, calls int) {
	o := l.all()
	if n := o.failures + o.successes; n > 0 {
		return o.failures / n, int(math.Round(n))
	}
	return 0, 0
}

// ramp returns the share of calls that a circuit admits after closing, from a
// tenth to all. A closing further in the future than clocks can differ is not believed.
func (m machine) ramp(r Record, now int64) float64 {
	length := ms(m.RecoveryRamp)
	if length == 0 || r.State != Closed || r.ClosedAt == 0 || r.ClosedAt-now > ms(2*m.MaxClockSkew) {
		return 1
	}
	elapsed := float64(max(0, now-r.ClosedAt)) / float64(length)
	return min(1, leastRamp+(1-leastRamp)*elapsed)
}

// leastRamp is the share of calls admitted at once.
const leastRamp = 0.1
