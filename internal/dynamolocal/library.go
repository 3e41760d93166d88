package dynamolocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// library gives the folder of DynamoDB Local's jars, local/dynamodb/lib, which
// Maven fills on first use. Amazon does not allow it to be redistributed.
func library(ctx context.Context, progress io.Writer) (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "local", "dynamodb")
	lib := filepath.Join(dir, "lib")
	if _, err := os.Stat(lib); err == nil {
		return lib, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", errors.New("DynamoDB Local is fetched by Maven: no mvn on the PATH")
	}
	if progress != nil {
		fmt.Fprintln(progress, "fetching DynamoDB Local by Maven, once")
	}
	// Several test binaries may fetch at once: each into a folder of its own,
	// and the first to finish gives it its name.
	temp, err := os.MkdirTemp(dir, "lib-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", filepath.Join(dir, "pom.xml"),
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+temp)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch DynamoDB Local by Maven: %w\n%s", err, out)
	}
	if err := os.Rename(temp, lib); err != nil {
		if _, raced := os.Stat(lib); raced == nil {
			return lib, nil
		}
		return "", err
	}
	return lib, nil
}

// repository finds the root of the repository from the folder that the test or
// the local stack runs in.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "local", "dynamodb", "pom.xml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("local/dynamodb/pom.xml is in no folder above this one")
		}
		dir = parent
	}
}
