package main

import (
	"os"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/testserver/mongolocal"
)

var server *mongolocal.Server

func TestMain(m *testing.M) { os.Exit(mongolocal.Main(m, &server)) }

func TestItNamesWhatItMade(t *testing.T) {
	getenv := func(name string) string {
		return map[string]string{"MONGODB_URI": server.URI, "MONGODB_DATABASE": "indexes-test"}[name]
	}
	for range 2 {
		var out strings.Builder
		if err := run(getenv, &out); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Fields(out.String()); len(lines) != 4 {
			t.Errorf("told %q", out.String())
		}
	}
}

func TestWithoutADatabaseItSaysWhatIsMissing(t *testing.T) {
	for uri, want := range map[string]string{"": "MONGODB_URI is missing", "mongodb://ada:hunter2@:x": "configuration"} {
		err := run(func(string) string { return uri }, os.Stdout)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", uri, err)
		}
	}
}
