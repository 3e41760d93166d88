package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/local/stack"
	"github.com/coldfuse/coldfuse/local/stack/lambda"
)

// run keeps a stack until ctx ends.
func run(ctx context.Context, c stack.Config, out io.Writer) error {
	c.Watch = func(line lambda.Line) { report(out, line) }
	s, err := stack.Start(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	if c.Parameters["CircuitGauges"] != "off" {
		go s.Gauge(ctx, time.Tick(time.Minute))
	}
	text, err := guide(s, c)
	if err != nil {
		return err
	}
	io.WriteString(out, text)
	<-ctx.Done()
	fmt.Fprintln(out, "\nstopping …")
	return nil
}

// report shows the lines that tell the story: transitions and warnings. The
// others are in the log file.
func report(out io.Writer, line lambda.Line) {
	var entry struct{ Level, Message string }
	if json.Unmarshal([]byte(line.Text), &entry) != nil {
		return
	}
	if strings.HasPrefix(entry.Message, "Circuit") || entry.Level == "ERROR" {
		fmt.Fprintf(out, "          %-5s %s [%s]\n", entry.Level, entry.Message, line.Environment)
	}
}
