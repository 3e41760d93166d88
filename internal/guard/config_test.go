package guard

import (
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/retry"
)

func TestNewReportsInvalidSettings(t *testing.T) {
	tests := map[string]struct {
		change func(*Config)
		want   string // part of the error; empty: none
	}{
		"the least there is":                {func(*Config) {}, ""},
		"no operation":                      {func(c *Config) { c.Operations = nil }, "no operations"},
		"no try timeout":                    {func(c *Config) { c.TryTimeout = 0 }, "try_timeout 0s"},
		"a try timeout beyond any function": {func(c *Config) { c.TryTimeout = time.Hour }, "try_timeout 1h0m0s"},
		"a negative bulkhead":               {func(c *Config) { c.MaxConcurrent = -1 }, "max_concurrent -1"},
		"an invalid retry policy":           {func(c *Config) { c.Retry = retry.Policy{MaxRetries: -1} }, "max_retries -1"},
	}
	for rule, tt := range tests {
		t.Run(rule, func(t *testing.T) {
			c := Config{TryTimeout: time.Second, Operations: []string{freshName(t)}}
			tt.change(&c)
			_, err := New(c)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("New = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestGuardsThatShareAnOperationAgreeOrFail(t *testing.T) {
	first := Config{TryTimeout: time.Second, Operations: []string{freshName(t)}}
	if _, err := New(first); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*Config)
		ok     bool
	}{
		"the same settings are shared":    {func(*Config) {}, true},
		"another try timeout is rejected": {func(c *Config) { c.TryTimeout = 2 * time.Second }, false},
		"another bulkhead is rejected":    {func(c *Config) { c.MaxConcurrent = 3 }, false},
		"another retry policy is its own": {func(c *Config) { c.Retry.MaxRetries = 1 }, true},
		"a fraction of a ms is no other":  {func(c *Config) { c.TryTimeout += time.Microsecond }, true},
		"the same operation twice in one": {func(c *Config) { c.Operations = append(c.Operations, c.Operations[0]) }, true},
	}
	for rule, tt := range tests {
		t.Run(rule, func(t *testing.T) {
			c := first
			tt.change(&c)
			if _, err := New(c); (err == nil) != tt.ok {
				t.Errorf("New = %v, want success: %t", err, tt.ok)
			}
		})
	}
}
