package main

import (
	"archive/zip"
	"compress/flate"
	"context"
	"io"
	"os"
	"path/filepath"
)

// budgets in bytes of a deployment package.
var budgets = []struct {
	function string
	limit    float64
}{
	{"jira", 3_500_000},
	{"resilience", 3_200_000},
}

// sizes builds the functions as they are deployed and zips them.
func sizes(ctx context.Context, root string) ([]figure, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var figures []figure
	for _, b := range budgets {
		bootstrap := filepath.Join(dir, b.function)
		if err := build(ctx, filepath.Join(root, "functions", b.function), bootstrap, []string{"GOOS=linux", "GOARCH=arm64"}); err != nil {
			return nil, err
		}
		size, err := zippedSize(bootstrap)
		if err != nil {
			return nil, err
		}
		figures = append(figures, atMost(b.function+".zip, MB", "%.2f", size/1e6, b.limit/1e6))
	}
	return figures, nil
}

func zippedSize(path string) (float64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var size counter
	archive := zip.NewWriter(&size)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	entry, err := archive.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(entry, file); err != nil {
		return 0, err
	}
	if err := archive.Close(); err != nil {
		return 0, err
	}
	return float64(size), nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
