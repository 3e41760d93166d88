package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// budgets in bytes of a deployment package.
var budgets = []struct {
	function string
	limit    float64
}{
	{"jira", 3_500_000},
	{"confluence", 3_700_000},
	{"sessions", 4_500_000},
	{"resilience", 3_200_000},
}

// sizes weighs the packages that make build has made.
func sizes(_ context.Context, root string) ([]figure, error) {
	var figures []figure
	for _, b := range budgets {
		info, err := os.Stat(filepath.Join(root, "build", b.function+".zip"))
		if err != nil {
			return nil, fmt.Errorf("make build first: %w", err)
		}
		figures = append(figures, atMost(b.function+".zip, MB", "%.2f", float64(info.Size())/1e6, b.limit/1e6))
	}
	return figures, nil
}
