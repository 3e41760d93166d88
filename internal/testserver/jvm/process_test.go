package jvm

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

var testProgram = Program{
	Name: "the test", Folder: "local/test",
	Arguments: func(lib, port string) []string { return []string{"-cp", lib, port} },
}

func TestMissingProgramIsOneClearLine(t *testing.T) {
	newRepository(t, "")
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	_, err := Start(context.Background(), testProgram, nil)
	wantLine(t, err, "no java on the PATH")
	executable(t, filepath.Join(bin, "java"), "#!/bin/sh\n")
	_, err = Start(context.Background(), testProgram, nil)
	wantLine(t, err, "no mvn on the PATH")
}

func TestTheErrorOfAProgramThatEndsAtOnceSaysWhy(t *testing.T) {
	dir := newRepository(t, maven)
	executable(t, dir+"/bin/java", "#!/bin/sh\necho class file version 61.0 is too new >&2\nexit 1\n")
	if _, err := Start(context.Background(), testProgram, nil); err == nil || !strings.Contains(err.Error(), "version 61.0 is too new") {
		t.Errorf("got %v", err)
	}
}

func wantLine(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want %q", err, want)
	}
}
