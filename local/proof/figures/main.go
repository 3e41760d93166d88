// Command figures runs a command in the repository's root and keeps the table
// that it prints in a block of docs/correctness.md:
//
//	go -C local run ./proof/figures -block 'planted bugs' -by 'make mutate' -- python3 -B scripts/mutate/mutate.py
//
// A block stands between <!-- figures: NAME --> and <!-- end -->. The command's
// output is passed on as it comes; if the command fails, so does this one, and
// the block stays as it was.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	r := run{out: os.Stdout}
	flag.StringVar(&r.block, "block", "", "the block's `name`")
	flag.StringVar(&r.by, "by", "", "the command that a reader enters to have the block written")
	flag.StringVar(&r.with, "with", "", "further `versions` that the figures depend on")
	flag.StringVar(&r.passed, "passed", "", "make the table of the packages whose tests passed, from the output of go test, under this `title`")
	flag.StringVar(&r.root, "root", "..", "the repository's root")
	flag.Parse()
	r.page = filepath.Join(r.root, "docs", "correctness.md")
	if err := r.run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode returns the command's exit code, or 1 if the command has not failed.
func exitCode(err error) int {
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() > 0 {
		return failed.ExitCode()
	}
	return 1
}

// run is a command to run, and where its table goes.
type run struct {
	block, by, with, passed string
	root, page              string
	out                     io.Writer
}

func (r run) run(command []string) error {
	if len(command) == 0 {
		return errors.New("no command")
	}
	// A missing block is reported before the command takes its minutes.
	if err := r.check(); err != nil {
		return err
	}
	table, began := tableOf(r.passed), time.Now()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = r.root
	cmd.Stdout, cmd.Stderr = io.MultiWriter(r.out, table), os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", command[0], err)
	}
	text, err := table.text()
	if err != nil {
		return fmt.Errorf("%s: %w", command[0], err)
	}
	return r.write(r.origin(time.Now(), time.Since(began)) + "\n\n" + text)
}

// origin returns the line that says how figures were made.
func (r run) origin(now time.Time, took time.Duration) string {
	parts := []string{
		fmt.Sprintf("Written by `%s` on %s", r.by, now.UTC().Format(time.DateOnly)),
		runtime.GOOS + "/" + runtime.GOARCH, fmt.Sprintf("%d CPUs", runtime.NumCPU()), runtime.Version(),
	}
	if r.with != "" {
		parts = append(parts, r.with)
	}
	return fmt.Sprintf("%s, in %.0f s.", strings.Join(parts, ", "), took.Seconds())
}

func (r run) check() error {
	page, err := os.ReadFile(r.page)
	if err != nil {
		return err
	}
	_, err = replace(string(page), r.block, "")
	return err
}

// write puts a text into the block. It reads the page again, because others might
// have written their blocks meanwhile, and replaces it atomically.
func (r run) write(text string) error {
	before, err := os.ReadFile(r.page)
	if err != nil {
		return err
	}
	after, err := replace(string(before), r.block, text)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(r.page), ".figures-")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails once it has its new name
	_, err = temp.WriteString(after)
	if err := errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), r.page)
}
