package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the measuring process, or, named by the first argument, one of the
// servers it starts as processes of their own.
func run(ctx context.Context, args []string) (err error) {
	if len(args) == 3 && args[0] == "bank" {
		return serveBank(ctx, args[1], args[2])
	}
	if len(args) == 3 && args[0] == "proxy" {
		return serveProxy(ctx, args[1], args[2])
	}
	if len(args) > 0 && args[0] == "lookup" {
		return runLookup(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == "feeds" {
		return runFeeds(ctx, args[1:])
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	program := flags.String("sluice", "bin/sluice", "the program to measure")
	rounds := flags.Int("rounds", 6, "rounds of each workload through each server")
	requests := flags.Int("requests", 1500, "requests a round")
	inFlight := flags.Int("in-flight", 8, "requests under way at once")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return fmt.Errorf("flags: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	s, err := openStage(ctx, *program, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	results, err := measure(ctx, s, load{rounds: *rounds, requests: *requests, inFlight: *inFlight})
	if err != nil {
		return err
	}
	report(os.Stdout, s, results)
	return nil
}
