package jvm

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
)

// Main implements TestMain for a package whose tests share a server. It starts
// the server, runs the tests, ends the server, and returns the exit code.
func Main[S interface{ Close() }](m *testing.M, start func(context.Context, io.Writer) (S, error), server *S) int {
	s, err := start(context.Background(), os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.Close()
	*server = s
	return m.Run()
}
