package breaker

import (
	"container/heap"
	"time"
)

// simAgenda is what is still to happen in a simulation, by time. What falls on
// one time happens in the order in which it was put down, so that a seed gives
// one run and no other.
type simAgenda struct {
	now    int64 // µs since the simulation began
	serial int
	queue  simQueue
	over   bool
}

func (a *simAgenda) after(us int64, do func()) {
	a.serial++
	heap.Push(&a.queue, simAppointment{a.now + us, a.serial, do})
}

func (a *simAgenda) runUntil(end int64) {
	for len(a.queue) > 0 && !a.over && a.queue[0].when <= end {
		next := heap.Pop(&a.queue).(simAppointment)
		a.now = next.when
		next.do()
	}
}

type simAppointment struct {
	when   int64
	serial int
	do     func()
}

type simQueue []simAppointment

func (q simQueue) Len() int      { return len(q) }
func (q simQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q simQueue) Less(i, j int) bool {
	return q[i].when < q[j].when || q[i].when == q[j].when && q[i].serial < q[j].serial
}
func (q *simQueue) Push(x any) { *q = append(*q, x.(simAppointment)) }
func (q *simQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func us(d time.Duration) int64 { return d.Microseconds() }
