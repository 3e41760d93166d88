// Package dynamolocal runs Amazon's DynamoDB Local, a real DynamoDB API in one
// process, for tests and for the local stack. It is not deployed.
package dynamolocal

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/coldfuse/coldfuse/internal/testserver/jvm"
)

// Server is a running DynamoDB Local, or the endpoint that DYNAMODB_ENDPOINT
// names.
type Server struct {
	Endpoint string
	process  *jvm.Process // nil: not started here
}

// Start runs DynamoDB Local, in memory, on a free loopback port and waits until
// it answers. On first use Maven downloads it, because Amazon does not allow it to
// be redistributed; that takes some seconds and is reported to progress, which can
// be nil. The server ends with this process, on Linux even if this process is
// killed. If DYNAMODB_ENDPOINT is set, nothing is started.
func Start(ctx context.Context, progress io.Writer) (*Server, error) {
	if endpoint := os.Getenv("DYNAMODB_ENDPOINT"); endpoint != "" {
		return &Server{Endpoint: endpoint}, nil
	}
	process, err := jvm.Start(ctx, jvm.Program{
		Name: "DynamoDB Local", Folder: "local/dynamodb",
		Arguments: func(lib, port string) []string {
			return []string{
				"-Djava.library.path=" + lib, "-cp", filepath.Join(lib, "*"),
				"software.amazon.dynamodb.services.local.main.ServerRunner",
				"-inMemory", "-sharedDb", "-disableTelemetry", "-port", port,
			}
		},
		Ready: func(ctx context.Context, address string) error { return warmUp(ctx, at(address)) },
	}, progress)
	if err != nil {
		return nil, err
	}
	server := at(process.Address)
	server.process = process
	return server, nil
}

func at(address string) *Server { return &Server{Endpoint: "http://" + address} }

// Close ends the server and all its tables, unless it was not started here.
func (s *Server) Close() {
	if s.process != nil {
		s.process.Close()
	}
}

// Getenv returns the environment variables by which dynamostore.NewClient finds
// the server. For an endpoint that was not started here, the region and the
// credentials of this process come first.
func (s *Server) Getenv(name string) string {
	if own := os.Getenv(name); own != "" && s.process == nil && name != "AWS_ENDPOINT_URL_DYNAMODB" {
		return own
	}
	return map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL_DYNAMODB": s.Endpoint,
	}[name]
}
