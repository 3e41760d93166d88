// Command codesize prints how large the code is, part by part, of the tree or
// of any git revision:
//
//	make figures
//	make figures REV=main~20
//	make figures CI_LOG=ci.log
package main

import (
	"archive/tar"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	root := flag.String("root", ".", "the repository's `directory`")
	revision := flag.String("rev", "", "measure this git `revision` instead of the tree")
	log := flag.String("ci-log", "", "also print the seconds of each step in this `file`, a log of make ci")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *root, *revision, *log); err != nil {
		fmt.Fprintln(os.Stderr, "codesize:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, root, revision, log string) error {
	name := "the tree"
	if revision != "" {
		name = "revision " + revision
		dir, err := os.MkdirTemp("", "codesize")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := export(ctx, root, revision, dir); err != nil {
			return err
		}
		root = dir
	}
	s, err := measure(root)
	if err != nil {
		return err
	}
	s.print(out, name)
	if log == "" {
		return nil
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	steps, err := ciSteps(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", log, err)
	}
	printSteps(out, steps)
	return nil
}

// export writes the Go sources of a revision into dir.
func export(ctx context.Context, root, revision, dir string) error {
	// The revision is not to be taken for an option of git.
	verified, err := exec.CommandContext(ctx, "git", "-C", root, "rev-parse", "--verify", "--end-of-options", revision+"^{commit}").Output()
	if err != nil {
		return fmt.Errorf("revision %q: %w", revision, err)
	}
	commit := string(verified[:len(verified)-1])
	command := exec.CommandContext(ctx, "git", "-C", root, "archive", "--format=tar", commit)
	archive, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	err = extract(tar.NewReader(archive), dir)
	if err != nil {
		_, _ = io.Copy(io.Discard, archive) // so that git can end
	}
	return errors.Join(err, command.Wait())
}

func extract(archive *tar.Reader, dir string) error {
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || !measured(h.Name) {
			continue
		}
		if !filepath.IsLocal(h.Name) {
			return fmt.Errorf("archive holds %q", h.Name)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
}
