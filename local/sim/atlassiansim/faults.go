package atlassiansim

import (
	"math/rand/v2"
	"sync"
)

// faults are those in force, oldest first. It is safe for concurrent use.
type faults struct {
	mu     sync.Mutex
	list   []Fault       // Times counts down
	healed chan struct{} // closed by replace: hung requests end then
}

func newFaults() *faults { return &faults{healed: make(chan struct{})} }

// replace puts these in force instead of all others.
func (f *faults) replace(list ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.healed)
	f.healed = make(chan struct{})
	f.list = list
}

func (f *faults) add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, fault)
}

func (f *faults) all() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Fault{}, f.list...)
}

// next is the fault that strikes a request of the operation, used up by one
// strike, and the channel that is closed when it is healed.
func (f *faults) next(operation Operation) (Fault, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.list {
		if fault.Operation != "" && fault.Operation != operation {
			continue
		}
		if fault.Share > 0 && 100*rand.Float64() >= fault.Share {
			continue
		}
		switch fault.Times {
		case 0:
		case 1:
			f.list = append(f.list[:i:i], f.list[i+1:]...)
		default:
			f.list[i].Times--
		}
		return fault, f.healed
	}
	return Fault{}, f.healed
}
