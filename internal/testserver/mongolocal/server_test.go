package mongolocal

import (
	"context"
	"net"
	"os"
	"testing"
)

var server *Server

func TestMain(m *testing.M) { os.Exit(Main(m, &server)) }

func TestServerEndsWithClose(t *testing.T) {
	t.Setenv("MONGODB_URI", "")
	s, err := Start(context.Background(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := newClient(t, s.URI).Ping(t.Context(), nil); err != nil {
		t.Error(err)
	}
	s.Close()
	if conn, err := net.Dial("tcp", s.Address); err == nil {
		conn.Close()
		t.Error("the process lives")
	}
}

func TestAServerOfTheEnvironmentIsUsed(t *testing.T) {
	const own = "mongodb://db.example"
	t.Setenv("MONGODB_URI", own)
	t.Setenv("PATH", "")
	s, err := Start(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if s.URI != own || s.Address != "" {
		t.Errorf("%+v", s)
	}
}
