package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/coldfuse/coldfuse/local/stack/bootstrap"
)

// startup measures how long a bootstrap takes from exec to its first request
// for an invocation, with a store and a secret that answer at once, so that
// what is measured is the function and not what it calls.
func startup(ctx context.Context, root string) ([]figure, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	names := []string{"hello", "jira", "confluence", "sessions", "resilience"}
	for _, name := range names {
		source := filepath.Join(root, "functions", name)
		if name == "hello" {
			source = filepath.Join(root, "local", "proof", "bench", "hello")
		}
		if err := bootstrap.Build(ctx, source, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	services, err := startServices()
	if err != nil {
		return nil, err
	}
	defer services.Close()
	times := map[string][]float64{}
	ratios := map[string][]float64{}
	const rounds = 40
	for range rounds {
		round := map[string]float64{}
		for _, name := range names {
			d, err := timeToNext(ctx, filepath.Join(dir, name), services.environment())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			round[name] = float64(d) / float64(time.Millisecond)
			times[name] = append(times[name], round[name])
		}
		for _, name := range names[1:] {
			ratios[name] = append(ratios[name], round[name]/round["hello"])
		}
	}
	return []figure{
		measured("aws-lambda-go hello world, ms", "%.1f", median(times["hello"])),
		measured("jira, ms", "%.1f", median(times["jira"])),
		measured("confluence, ms", "%.1f", median(times["confluence"])),
		measured("sessions, ms", "%.1f", median(times["sessions"])),
		measured("resilience, ms", "%.1f", median(times["resilience"])),
		atMost("jira over hello world, median of pairs", "%.2f", median(ratios["jira"]), 2.2),
		measured("confluence over hello world, median of pairs", "%.2f", median(ratios["confluence"])),
		measured("sessions over hello world, median of pairs", "%.2f", median(ratios["sessions"])),
		atMost("resilience over hello world, median of pairs", "%.2f", median(ratios["resilience"]), 1.6),
	}, nil
}

// timeToNext starts a bootstrap against a runtime API that only waits for it.
func timeToNext(ctx context.Context, path string, env []string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	asked := make(chan time.Time, 1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	api := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- time.Now()
		<-r.Context().Done()
	})}
	go api.Serve(listener)
	defer api.Close()
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String())
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill(); <-exited }()
	select {
	case at := <-asked:
		return at.Sub(began), nil
	case err := <-exited:
		exited <- err
		return 0, fmt.Errorf("ended before its first request: %w", err)
	}
}

// services answer what functions ask for in INIT.
type services struct{ server *http.Server }

func startServices() (*services, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &services{&http.Server{Addr: listener.Addr().String(), Handler: http.HandlerFunc(answerInit)}}
	go s.server.Serve(listener)
	return s, nil
}

func (s *services) Close() error { return s.server.Close() }

func answerInit(w http.ResponseWriter, r *http.Request) {
	body := `{}` // DynamoDB: no such item
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if r.Header.Get("X-Amz-Target") == "secretsmanager.GetSecretValue" {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		body = `{"Name":"jira","SecretString":"{\"email\":\"a@example.com\",\"token\":\"t\"}"}`
	}
	fmt.Fprint(w, body)
}

func (s *services) environment() []string {
	endpoint := "http://" + s.server.Addr
	return []string{
		"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_ENDPOINT_URL_DYNAMODB=" + endpoint, "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + endpoint,
		"CIRCUITS_TABLE=circuits", "IDEMPOTENCY_TABLE=idempotency",
		"JIRA_BASE_URL=https://site.example.com", "JIRA_SECRET_ID=jira",
		"CONFLUENCE_BASE_URL=https://site.example.com", "CONFLUENCE_SECRET_ID=confluence", "MONGODB_SECRET_ID=mongodb",
	}
}
