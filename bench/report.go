package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// report prints a row for each server and workload, and the ratio of the two.
func report(out io.Writer, s *stage, results []*result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "pull\tserver\tCPU µs/request\tp50 ms\tp99 ms\t")
	for i := 0; i+1 < len(results); i += 2 {
		proxy, gate := results[i], results[i+1]
		for _, r := range []*result{proxy, gate} {
			fmt.Fprintf(w, "%s\t%s\t%.0f\t%.2f\t%.2f\t\n", r.workload, r.server, r.cpuMicros, r.quantile(0.5), r.quantile(0.99))
		}
		fmt.Fprintf(w, "\tratio\t%.2f\t%.2f\t%.2f\t\n", gate.cpuMicros/proxy.cpuMicros,
			gate.quantile(0.5)/proxy.quantile(0.5), gate.quantile(0.99)/proxy.quantile(0.99))
	}
	_ = w.Flush() // to a terminal or a pipe; nothing to do about it
	if p50, p99, err := syncTimes(s.dir); err == nil {
		fmt.Fprintf(out, "\nthis disk's fsync of 4 KiB: p50 %.2f ms, p99 %.2f ms (the gate owes one for each release)\n", p50, p99)
	}
}

func (r *result) quantile(q float64) float64 {
	return r.millis[int(q*float64(len(r.millis)-1))]
}

// syncTimes measures what the disk takes to make 4 KiB durable, in milliseconds.
func syncTimes(dir string) (p50, p99 float64, err error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, 0, fmt.Errorf("measure disk: %w", err)
	}
	defer f.Close()
	took := make([]float64, 200)
	block := make([]byte, 4096)
	for i := range took {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, 0, fmt.Errorf("measure disk: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, 0, fmt.Errorf("measure disk: %w", err)
		}
		took[i] = float64(time.Since(start).Microseconds()) / 1000
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*99/100], nil
}
