package secretsim

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// newClient is the real SDK's, which tries once.
func newClient(t *testing.T) (*Server, *secretsmanager.Client) {
	t.Helper()
	s := New()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, secretsmanager.New(secretsmanager.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL),
		Retryer:      aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}

func get(t *testing.T, client *secretsmanager.Client, input secretsmanager.GetSecretValueInput) (*secretsmanager.GetSecretValueOutput, error) {
	return client.GetSecretValue(t.Context(), &input)
}

func TestSDKReadsASecret(t *testing.T) {
	s, client := newClient(t)
	arn := s.Put("team/jira", `{"token":"x"}`)
	for _, id := range []string{"team/jira", arn, strings.TrimSuffix(arn, arnSuffix)} {
		got, err := get(t, client, secretsmanager.GetSecretValueInput{SecretId: &id})
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if *got.SecretString != `{"token":"x"}` || *got.Name != "team/jira" || *got.ARN != arn || got.CreatedDate.IsZero() {
			t.Errorf("%s: got %+v", id, got)
		}
	}
	if s.Reads() != 3 {
		t.Errorf("%d reads, want 3", s.Reads())
	}
}

func TestRotationChangesValueAndVersion(t *testing.T) {
	s, client := newClient(t)
	s.Put("jira", "old")
	old, err := get(t, client, secretsmanager.GetSecretValueInput{SecretId: aws.String("jira")})
	if err != nil {
		t.Fatal(err)
	}
	s.Put("jira", "new")
	rotated, err := get(t, client, secretsmanager.GetSecretValueInput{SecretId: aws.String("jira")})
	if err != nil {
		t.Fatal(err)
	}
	if *rotated.SecretString != "new" || *rotated.VersionId == *old.VersionId {
		t.Errorf("old %+v, new %+v", old, rotated)
	}
}

func TestWhatIsNotFound(t *testing.T) {
	cases := []struct {
		rule  string
		input secretsmanager.GetSecretValueInput
	}{
		{"an unknown name", secretsmanager.GetSecretValueInput{SecretId: aws.String("other")}},
		{"an unknown ARN", secretsmanager.GetSecretValueInput{SecretId: aws.String(arnOf("other"))}},
		{"an old stage", secretsmanager.GetSecretValueInput{SecretId: aws.String("jira"), VersionStage: aws.String("AWSPREVIOUS")}},
		{"an old version", secretsmanager.GetSecretValueInput{SecretId: aws.String("jira"), VersionId: aws.String(strings.Repeat("0", 32))}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s, client := newClient(t)
			s.Put("jira", "x")
			_, err := get(t, client, c.input)
			if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
				t.Errorf("got %v, want ResourceNotFoundException", err)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	s, client := newClient(t)
	s.Put("jira", "x")
	input := secretsmanager.GetSecretValueInput{SecretId: aws.String("jira")}

	if err := s.Set(Error); err != nil {
		t.Fatal(err)
	}
	_, err := get(t, client, input)
	if _, ok := errors.AsType[*types.InternalServiceError](err); !ok {
		t.Errorf("error: got %v, want InternalServiceError", err)
	}
	if err := s.Set(Refuse); err != nil {
		t.Fatal(err)
	}
	if _, err = get(t, client, input); !errors.Is(err, io.EOF) {
		t.Errorf("refuse: got %v, want the connection's end", err)
	}
	if err := s.Set("flood"); err == nil {
		t.Error("an unknown fault was taken")
	}
	if err := s.Set(None); err != nil {
		t.Fatal(err)
	}
	if _, err = get(t, client, input); err != nil {
		t.Errorf("healed: %v", err)
	}
	if s.Reads() != 3 {
		t.Errorf("%d reads, want 3", s.Reads())
	}
}

func TestInvalidRequests(t *testing.T) {
	const signed = "AWS4-HMAC-SHA256 Credential=local"
	cases := []struct{ rule, target, authorization, body, code string }{
		{"another operation is unknown", "secretsmanager.PutSecretValue", signed, `{}`, "UnknownOperationException"},
		{"a signature must be there", "secretsmanager.GetSecretValue", "", `{}`, "MissingAuthenticationTokenException"},
		{"a body must be JSON", "secretsmanager.GetSecretValue", signed, `{`, "SerializationException"},
		{"a secret must be named", "secretsmanager.GetSecretValue", signed, `{}`, "ValidationException"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			r.Header.Set("X-Amz-Target", c.target)
			r.Header.Set("Authorization", c.authorization)
			w := httptest.NewRecorder()
			New().ServeHTTP(w, r)
			if w.Code != 400 || !strings.Contains(w.Body.String(), `"__type":"`+c.code+`"`) {
				t.Errorf("%d %s, want 400 %s", w.Code, w.Body, c.code)
			}
		})
	}
}
