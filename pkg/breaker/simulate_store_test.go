package breaker

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"
)

// simStore is DynamoDB as the simulation sees it: one item, changed by the
// real Append, Prune and Apply; operations that take time and take effect
// half-way through it; eventually consistent reads of replicas that lag; and
// the units that each operation takes of what one partition has to give.
type simStore struct {
	*simAgenda
	r       *rand.Rand
	record  Record
	past    []simVersion // newest last
	trouble simTrouble
	limited bool // throttles beyond the partition's units

	usage   []simUsage // by second
	writes  simWrites
	reads   int
	largest int // bytes of the item
	changed func(before, after Record)

	copies []simCopy // of the item, for eventually consistent reads; none by default
	lost   int       // of them, which no change reaches
}

// What one partition, and so one item, gives a second.
const (
	simReadUnits  = 3_000
	simWriteUnits = 1_000
)

type simVersion struct {
	at     int64
	record Record
}

type simUsage struct {
	reads, writes float64
	throttled     int
}

type simWrites struct{ appends, prunes, counts, changes, failed int }

func (w simWrites) total() int { return w.appends + w.prunes + w.counts + w.changes }

// simCopy is a read copy of the item, in a partition of its own.
type simCopy struct {
	record Record
	usage  []simUsage
}

type simTrouble uint8

const (
	simFine simTrouble = iota
	simRefuses
	simHangs
)

// What an environment waits for a store in trouble, in µs: a refused
// connection is known at once, a hanging answer after the adapter's limit, a
// throttled one after the SDK's second attempt.
const (
	simRefusalTakes  = 1_000
	simHangTakes     = 100_000
	simThrottleTakes = 30_000
)

var (
	errSimAway      = errors.New("store away")
	errSimThrottled = errors.New("throttled")
)

// latency is 3 to 10 ms, more often short than long, and one in a hundred times
// up to 50 ms.
func (s *simStore) latency() int64 {
	u := s.r.Float64()
	if s.r.IntN(100) == 0 {
		return 10_000 + int64(40_000*u)
	}
	return 3_000 + int64(7_000*u*u)
}

// lag is how far behind the replica is that an eventually consistent read
// happens to ask: one in three is the leader, the others follow within some
// tens of ms.
func (s *simStore) lag() int64 {
	if s.r.IntN(3) == 0 {
		return 0
	}
	return min(int64(15_000*s.r.ExpFloat64()), 100_000)
}

func (s *simStore) perform(o op, environment int, reply func(event)) {
	fails := func(after int64, err error) {
		s.after(after, func() { reply(event{err: err}) })
	}
	switch s.trouble {
	case simRefuses:
		fails(simRefusalTakes, errSimAway)
		return
	case simHangs:
		fails(simHangTakes, errSimAway)
		return
	}
	latency := s.latency()
	s.after(latency/2, func() {
		if s.charge(o, environment) {
			fails(simThrottleTakes, errSimThrottled)
			return
		}
		e := s.serve(o, environment)
		if e.authoritative && !(o.kind == opChange && e.held) {
			s.repair(environment)
		}
		s.after(latency-latency/2, func() { reply(e) })
	})
}

// charge takes an operation's units, whether or not its condition will hold,
// and reports whether the partition had none left.
func (s *simStore) charge(o op, environment int) (throttled bool) {
	usage := &s.usage
	if o.kind == opLoad && !o.consistent && len(s.copies) > 0 {
		usage = &s.copies[environment%len(s.copies)].usage
	}
	u := simSecond(usage, s.now)
	kb := float64(s.bytes()) / 1024
	s.largest = max(s.largest, s.bytes())
	read, write := 0.0, 0.0
	switch {
	case o.kind != opLoad:
		write = math.Ceil(kb)
	case o.consistent:
		read = math.Ceil(kb / 4)
	default:
		read = math.Ceil(kb/4) / 2
	}
	if s.limited && (u.reads+read > simReadUnits || u.writes+write > simWriteUnits) {
		u.throttled++
		return true
	}
	u.reads += read
	u.writes += write
	return false
}

// bytes is the size of the item: 300 bytes without failures and counts.
func (s *simStore) bytes() int { return 300 + 32*len(s.record.Failures) + 14*len(s.record.Counts) }

// serve performs an operation at the moment at which it takes effect.
func (s *simStore) serve(o op, environment int) event {
	e := event{authoritative: true, held: true}
	before := s.record
	switch o.kind {
	case opLoad:
		s.reads++
		e.authoritative, e.record = o.consistent, s.read(o.consistent, environment)
		return e
	case opAppend:
		s.writes.appends++
		s.record, e.held = before.Append(o.failure)
	case opPrune:
		s.writes.prunes++
		s.record, e.held = before.Prune(o.epoch, o.ids)
	case opCount:
		s.writes.counts++
		s.record, e.held = before.Count(o.tally)
	case opChange:
		s.writes.changes++
		s.record, e.held = before.Apply(*o.change)
	}
	e.record = s.record
	if !e.held {
		s.writes.failed++
		return e
	}
	s.past = append(s.past, simVersion{s.now, s.record})
	if len(s.past) > 8192 { // no replica lags by so many
		s.past = append(s.past[:0], s.past[4096:]...)
	}
	if s.record.Generation != before.Generation {
		s.changed(before, s.record)
		s.copyOut()
	}
	return e
}

func (s *simStore) read(consistent bool, environment int) Record {
	if consistent {
		return s.record
	}
	if len(s.copies) > 0 {
		return s.copies[environment%len(s.copies)].record
	}
	seen := s.now - s.lag()
	for i := len(s.past) - 1; i >= 0; i-- {
		if s.past[i].at <= seen {
			return s.past[i].record
		}
	}
	return missing()
}

// copyOut writes a change to each copy, as its writer would once it knows that
// it won. Of the copies that are lost, the writer always dies before.
func (s *simStore) copyOut() {
	for i := s.lost; i < len(s.copies); i++ {
		s.copyTo(&s.copies[i])
	}
}

// copyTo writes the record to a copy, which is only ever moved to a higher
// generation.
func (s *simStore) copyTo(c *simCopy) {
	r := s.record
	s.after(s.latency()+s.lag(), func() {
		simSecond(&c.usage, s.now).writes++
		if r.Generation > c.record.Generation {
			c.record = r
		}
	})
}

// repair mends the copy of an environment to which the item itself has just
// shown a higher generation.
func (s *simStore) repair(environment int) {
	if len(s.copies) == 0 {
		return
	}
	if c := &s.copies[environment%len(s.copies)]; c.record.Generation < s.record.Generation {
		s.copyTo(c)
	}
}

// simSecond is the usage of a partition in the second of now.
func simSecond(usage *[]simUsage, now int64) *simUsage {
	for int64(len(*usage)) <= now/1e6 {
		*usage = append(*usage, simUsage{})
	}
	return &(*usage)[now/1e6]
}

// simPeak returns the busiest second between two times of the traffic, and how
// many operations were throttled in all.
func simPeak(usage []simUsage, from, to time.Duration) simUsage {
	var p simUsage
	for second, u := range usage {
		if at := time.Duration(second)*time.Second - simBegin; at >= from && at < to {
			p = simUsage{max(p.reads, u.reads), max(p.writes, u.writes), p.throttled + u.throttled}
		}
	}
	return p
}
