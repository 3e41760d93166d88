package dynamolocal

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func TestServerEndsWithClose(t *testing.T) {
	t.Setenv("DYNAMODB_ENDPOINT", "")
	s, err := Start(context.Background(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("it has tables", func(t *testing.T) {
		client, table := s.Table(t)
		if _, err := client.DescribeTable(context.Background(), &dynamodb.DescribeTableInput{TableName: &table}); err != nil {
			t.Error(err)
		}
	})
	s.Close()
	if conn, err := net.Dial("tcp", strings.TrimPrefix(s.Endpoint, "http://")); err == nil {
		conn.Close()
		t.Error("the process lives")
	}
}

func TestAnEndpointOfTheEnvironmentIsUsed(t *testing.T) {
	t.Setenv("DYNAMODB_ENDPOINT", "http://dynamodb.example:8000")
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("PATH", "")
	s, err := Start(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": "http://dynamodb.example:8000",
		"AWS_REGION":                "eu-central-1",
		"AWS_ACCESS_KEY_ID":         "local",
		"AWS_SESSION_TOKEN":         "",
	} {
		if got := s.Getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
