package jvm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// library returns the folder of the program's jars, lib next to its pom.xml, which
// Maven fills on first use.
func (p Program) library(ctx context.Context, progress io.Writer) (string, error) {
	dir, err := p.folder()
	if err != nil {
		return "", err
	}
	lib := filepath.Join(dir, "lib")
	if _, err := os.Stat(lib); err == nil {
		return lib, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("%s is fetched by Maven: no mvn on the PATH", p.Name)
	}
	if progress != nil {
		fmt.Fprintf(progress, "fetching %s by Maven, once\n", p.Name)
	}
	// Several test binaries may download at once: each into its own folder, and the
	// first to finish renames it.
	temp, err := os.MkdirTemp(dir, "lib-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", filepath.Join(dir, "pom.xml"),
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+temp)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch %s by Maven: %w\n%s", p.Name, err, out)
	}
	if err := os.Rename(temp, lib); err != nil {
		if _, raced := os.Stat(lib); raced == nil {
			return lib, nil
		}
		return "", err
	}
	return lib, nil
}

// folder finds the program's folder from the one that the test or the local
// stack runs in.
func (p Program) folder() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		folder := filepath.Join(dir, filepath.FromSlash(p.Folder))
		if _, err := os.Stat(filepath.Join(folder, "pom.xml")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New(p.Folder + "/pom.xml is in no folder above this one")
		}
		dir = parent
	}
}
