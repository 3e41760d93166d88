package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	check := flag.Bool("check", false, "measure the promises and write nothing")
	only := flag.String("only", "", "measure the sections whose title holds this `text`, and write nothing")
	root := flag.String("root", "..", "the repository's root")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := bench(ctx, *root, *only, *check || *only != "")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(1)
	}
}

// section is one part of the report.
type section struct {
	title string
	run   func(context.Context, string) ([]figure, error)
}

// figure is one measured value and, where something is promised, its limit.
type figure struct {
	name  string
	value string
	limit string
	holds bool // true where nothing is promised
}

var sections = []section{
	{"Circuit breakers side by side in one process", sideBySide},
	{"A guarded HTTP call over loopback, and a bare one", guarded},
	{"A store outage of a minute, as calls see it: 50 calls/s, dependency healthy", storeOutage},
	{"20 environments as processes, 50 calls/s at random times, threshold 5, dependency 20 ms: what validates the simulation", processes},
	{"The same fleets with a failure rate", rates},
	{"Process start to the first `/next` of the runtime API", startup},
	{"Deployment packages, arm64", sizes},
	{"A warm search of 50 issues, from the event to the answer, without the network", warmSearch},
}

func bench(ctx context.Context, root, only string, check bool) (bool, error) {
	var report bytes.Buffer
	fmt.Fprintf(&report, "# Benchmarks\n\nWritten by `make bench` on %s, %s/%s, %d CPUs, %s. Times drift with the machine; the ratios were measured in turns within this run.\n",
		time.Now().UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	ok := true
	for _, s := range sections {
		if !strings.Contains(s.title, only) {
			continue
		}
		fmt.Println(s.title)
		figures, err := s.run(ctx, root)
		if err != nil {
			return false, fmt.Errorf("%s: %w", s.title, err)
		}
		fmt.Fprintf(&report, "\n## %s\n\n| what | measured | promised | kept |\n|---|---|---|---|\n", s.title)
		for _, f := range figures {
			fmt.Fprintf(&report, "| %s | %s | %s | %s |\n", f.name, f.value, f.limit, f.kept())
			fmt.Printf("  %-60s %12s  %s\n", f.name, f.value, f.limit)
			if !f.holds {
				fmt.Printf("  BROKEN: %s is %s, promised %s\n", f.name, f.value, f.limit)
				ok = false
			}
		}
	}
	if check {
		return ok, nil
	}
	return ok, os.WriteFile(filepath.Join(root, "docs", "benchmarks.md"), report.Bytes(), 0o644)
}

// tooSlow ends the limit of a figure for which the machine was too busy.
const tooSlow = ", not judged: store too slow"

// notJudged marks figures that a busy machine has spoiled as not judged.
func notJudged(figures []figure) {
	for i := range figures {
		figures[i].limit, figures[i].holds = figures[i].limit+tooSlow, true
	}
}

func (f figure) kept() string {
	switch {
	case f.limit == "–" || strings.HasSuffix(f.limit, tooSlow):
		return "–"
	case f.holds:
		return "yes"
	default:
		return "**no**"
	}
}

func measured(name, format string, value any) figure {
	return figure{name: name, value: fmt.Sprintf(format, value), limit: "–", holds: true}
}

func atMost(name, format string, value, limit float64) figure {
	return figure{
		name: name, value: fmt.Sprintf(format, value), limit: "at most " + fmt.Sprintf(format, limit), holds: value <= limit,
	}
}

func atLeast(name, format string, value, limit float64) figure {
	return figure{
		name: name, value: fmt.Sprintf(format, value), limit: "at least " + fmt.Sprintf(format, limit), holds: value >= limit,
	}
}

func median[T int | int64 | float64 | time.Duration](values []T) T {
	return quantile(values, 0.5)
}

func quantile[T int | int64 | float64 | time.Duration](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
