package stack

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/coldfuse/coldfuse/local/stack/lambda"
)

// maxLines is how many lines are kept.
const maxLines = 100_000

// Log keeps the newest lines that the functions write, at most 100,000. It is
// safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	out   io.Writer // nil: only kept
	watch func(lambda.Line)
	lines []lambda.Line
}

func (l *Log) add(line lambda.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == maxLines {
		l.lines = slices.Delete(l.lines, 0, maxLines/10)
	}
	l.lines = append(l.lines, line)
	if l.out != nil {
		fmt.Fprintf(l.out, "[%s] %s\n", line.Environment, line.Text)
	}
	if l.watch != nil {
		l.watch(line)
	}
}

// Lines returns the lines that contain every one of the texts, oldest first.
func (l *Log) Lines(texts ...string) []lambda.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []lambda.Line
	for _, line := range l.lines {
		if containsAll(line.Text, texts) {
			found = append(found, line)
		}
	}
	return found
}

// Count returns the number of lines that contain every one of the texts.
func (l *Log) Count(texts ...string) int { return len(l.Lines(texts...)) }

func containsAll(s string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(s, text) {
			return false
		}
	}
	return true
}
