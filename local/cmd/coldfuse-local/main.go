// Command coldfuse-local runs the whole system on this machine.
//
//	coldfuse-local run    until Ctrl-C, and prints what to try
//	coldfuse-local demo   plays an outage of Jira and checks each step
//
// See -help of each for the flags. Run uses a real Jira instead of the
// simulator where JIRA_BASE_URL names one; JIRA_EMAIL and JIRA_TOKEN, or
// JIRA_CLIENT_ID and JIRA_CLIENT_SECRET, and, as the function has them,
// JIRA_SITE_URL and JIRA_AUTH go with it. The same goes for Confluence.
// DYNAMODB_ENDPOINT and MONGODB_URI name stores to use instead of new ones.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/coldfuse/coldfuse/local/stack"
	"github.com/coldfuse/coldfuse/local/stack/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	err := command(ctx, os.Args[1:], os.Stdout)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case ctx.Err() != nil:
		os.Exit(130) // as a shell says of SIGINT
	default:
		fmt.Fprintln(os.Stderr, "coldfuse-local:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("want run or demo")
	}
	name, args := args[0], args[1:]
	switch name {
	case "run":
		c, err := parse(name, args, stack.Config{
			Listen: ":8000", Admin: ":8001", Jira: ":8002", Confluence: ":8003", Warm: 1, Progress: out,
		}, out)
		if err != nil {
			return err
		}
		if err := realSites(&c, os.Getenv); err != nil {
			return err
		}
		return run(ctx, c, out)
	case "demo":
		c, err := parse(name, args, stack.Config{}, out)
		if err != nil {
			return err
		}
		return demo.Run(ctx, c, out)
	default:
		return fmt.Errorf("%q is unknown: want run or demo", name)
	}
}

// parse reads the flags over the defaults.
func parse(name string, args []string, c stack.Config, out io.Writer) (stack.Config, error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&c.Listen, "listen", c.Listen, "`address` of the HTTP API; empty is a free port")
	flags.StringVar(&c.Admin, "admin", c.Admin, "`address` of the admin server")
	flags.StringVar(&c.Jira, "jira", c.Jira, "`address` of the Jira simulator")
	flags.StringVar(&c.Confluence, "confluence", c.Confluence, "`address` of the Confluence simulator")
	flags.StringVar(&c.Bind, "bind", "", "`host` of what the functions call, such as 172.17.0.1 for containers; default: 127.0.0.1")
	flags.StringVar(&c.Root, "root", "", "`folder` of the repository; default: the nearest above with a template.yaml")
	flags.StringVar(&c.Template, "template", "", "`file` to read; default: template.yaml in the repository")
	flags.StringVar(&c.LogFile, "log", "", "`file` for what the functions write; default: .cache/local/NAME.log in the repository")
	c.Parameters = map[string]string{}
	flags.Func("auth", "`mode` of access: none, iam or jwt, as -parameter AuthMode", func(mode string) error {
		c.Parameters["AuthMode"] = mode
		return nil
	})
	flags.Func("parameter", "`Name=value` of a template parameter; may be repeated", func(s string) error {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want Name=value")
		}
		c.Parameters[key] = value
		return nil
	})
	flags.SetOutput(io.Discard) // main says what is wrong, in one line
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(out)
			flags.PrintDefaults()
		}
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("%q is one argument too many", flags.Arg(0))
	}
	var err error
	if c.Root, err = root(c.Root); err != nil {
		return c, err
	}
	if c.LogFile == "" {
		c.LogFile = filepath.Join(c.Root, ".cache", "local", name+".log")
	}
	return c, nil
}

func root(given string) (string, error) {
	dir, err := filepath.Abs(given)
	if err != nil || given != "" {
		return dir, err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "template.yaml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no template.yaml here or above: give -root")
		}
		dir = parent
	}
}
