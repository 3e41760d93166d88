package breaker_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

const circuits = 10_000

// mostBytes is the most memory of a circuit without failures, its name and its
// store apart.
const mostBytes = 450

func TestACircuitTakesLittleMemory(t *testing.T) {
	if bytes := bytesPerCircuit(t); bytes > mostBytes {
		t.Errorf("a circuit takes %d bytes, want at most %d", bytes, mostBytes)
	}
}

func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(float64(bytesPerCircuit(b)), "B/circuit")
	}
}

// bytesPerCircuit returns the heap that a Breaker takes which has read its
// circuit and made calls.
func bytesPerCircuit(t testing.TB) uint64 {
	t.Helper()
	store, names := memstore.New(), make([]string, circuits)
	for i := range names {
		names[i] = fmt.Sprintf("circuit-%d", i)
	}
	all := make([]*breaker.Breaker, circuits)
	before := heap()
	for i, name := range names {
		b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: name}, Store: store})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Prime(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := call(b, nil); err != nil {
			t.Fatal(err)
		}
		all[i] = b
	}
	bytes := (heap() - before) / circuits
	runtime.KeepAlive(all)
	runtime.KeepAlive(names)
	return bytes
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
