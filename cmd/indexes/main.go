// Command indexes makes the indexes of the sessions function's database, those
// that are not there yet: once before the first deployment, and again after one
// that says so. It reads MONGODB_URI and MONGODB_DATABASE (default coldfuse).
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/coldfuse/coldfuse/internal/session"
)

func main() {
	if err := run(os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(getenv func(string) string, out io.Writer) error {
	uri := getenv("MONGODB_URI")
	if uri == "" {
		return fmt.Errorf("MONGODB_URI is missing")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour) // with messages there, it takes time
	defer cancel()
	names, err := session.CreateIndexes(ctx, uri, cmp.Or(getenv("MONGODB_DATABASE"), "coldfuse"))
	if err != nil {
		return fmt.Errorf("make indexes: %w", err)
	}
	for _, name := range names {
		fmt.Fprintln(out, name)
	}
	return nil
}
