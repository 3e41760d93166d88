// Package mongolocal runs mongo-java-server, the MongoDB protocol over memory in
// one process, for tests and for the local stack. It is a standalone server
// without transactions, retryable writes, a planner, or a sweeper of TTL
// indexes. It is not deployed.
package mongolocal

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/coldfuse/coldfuse/internal/testserver/jvm"
)

// Server is a running server, or the one that MONGODB_URI names.
type Server struct {
	URI     string
	Address string       // host and port; empty: not started here
	process *jvm.Process // nil: not started here
}

// Start runs an empty server on a free loopback port and waits until it answers.
// On first use Maven downloads it, which takes some seconds and is reported to
// progress, which can be nil. The server ends with this process, on Linux even if
// this process is killed. If MONGODB_URI is set, nothing is started.
func Start(ctx context.Context, progress io.Writer) (*Server, error) {
	if uri := os.Getenv("MONGODB_URI"); uri != "" {
		return &Server{URI: uri}, nil
	}
	process, err := jvm.Start(ctx, jvm.Program{
		Name: "mongo-java-server", Folder: "local/mongodb",
		Arguments: func(lib, port string) []string {
			return []string{"-cp", filepath.Join(lib, "*"), filepath.Join(filepath.Dir(lib), "Server.java"), port}
		},
	}, progress)
	if err != nil {
		return nil, err
	}
	return &Server{URI: uri(process.Address), Address: process.Address, process: process}, nil
}

func uri(address string) string { return "mongodb://" + address + "/?directConnection=true" }

// Close ends the server and all that it holds, unless it was not started here.
func (s *Server) Close() {
	if s.process != nil {
		s.process.Close()
	}
}

// Main implements TestMain for a package whose tests need a database. It starts a
// server, runs the tests, ends the server, and returns the exit code.
func Main(m *testing.M, server **Server) int { return jvm.Main(m, Start, server) }
