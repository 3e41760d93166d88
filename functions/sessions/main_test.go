package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/telemetry"
)

// One line says which secret cannot be used and why, and none what it holds.
func TestAnUnusableSecretIsNamedInTheLog(t *testing.T) {
	for rule, c := range map[string]struct {
		secret string // "": there is none
		status int
		why    string
	}{
		"it is missing":           {"", 503, "secret mongodb-uri is missing"},
		"it is no JSON":           {"hunter2", 503, `secret mongodb-uri: want JSON such as {"uri":"mongodb+srv://…"}`},
		"its uri is of no server": {`{"uri":"mongodb://ada:hunter2@db.example:port"}`, 502, "its uri is not a connection string"},
	} {
		t.Run(rule, func(t *testing.T) {
			secrets := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				if c.secret == "" {
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w, `{"__type":"ResourceNotFoundException"}`)
					return
				}
				_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": c.secret})
			}))
			defer secrets.Close()
			env := map[string]string{
				"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
				"AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets.URL, "MONGODB_SECRET_ID": "mongodb-uri",
				"AUTH_MODE": "none", "SESSIONS_BASE_DELAY": "0.001",
			}
			getenv := func(name string) string { return env[name] }
			var log bytes.Buffer
			handler, err := newHandler(t.Context(), getenv, telemetry.Setup(&log, "sessions", getenv))
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/sessions", nil))
			if w.Code != c.status || strings.Contains(w.Body.String(), "mongodb-uri") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			told := linesOf(t, &log, "Secret cannot be used")
			if len(told) != 1 || told[0]["secret"] != "mongodb-uri" || told[0]["error"] != c.why || told[0]["level"] != "WARN" {
				t.Errorf("told %v", told)
			}
			if strings.Contains(log.String(), "hunter2") {
				t.Errorf("the log shows the secret: %s", &log)
			}
		})
	}
}

func linesOf(t *testing.T, log *bytes.Buffer, message string) (lines []map[string]any) {
	t.Helper()
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if line["message"] == message {
			lines = append(lines, line)
		}
	}
	return lines
}
