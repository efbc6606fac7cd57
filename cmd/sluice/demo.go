package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"sluice/reference/samplebank"
)

// demoOptions are what demo and tour have in common.
type demoOptions struct {
	Data   string `help:"Data directory; a fresh temporary one if not given." type:"path"`
	Listen string `help:"Address to serve gRPC on; port 0 takes a free one." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	Web    string `help:"Address to serve the customer's pages on." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	Log    string `help:"Write the gateway's log to this file; nowhere if not given." type:"path"`
}

type demoCmd struct {
	demoOptions
}

func (c *demoCmd) Help() string {
	return `Starts a whole gateway in one process, with four sample banks and real
transactions, walks through the tour with real calls, and stays up until Ctrl-C.

Examples:
  sluice demo
  sluice demo --data ./demo-data --listen 127.0.0.1:8443 --log gateway.log`
}

// Run stays up until an interrupt.
func (c *demoCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout, true) }

type tourCmd struct {
	demoOptions
}

func (c *tourCmd) Help() string {
	return `Does what demo does and exits: 0 if every step came out as it should.

Example:
  sluice tour`
}

// Run exits after the tour.
func (c *tourCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout, false) }

func (c *demoOptions) run(ctx context.Context, out io.Writer, stay bool) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, cleanup, err := c.directory()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanup()) }()
	logger, closeLog, err := c.logger()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()

	d, err := startDemo(ctx, dir, c.Listen, c.Web, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close(dir)) }()
	if err := runTour(ctx, d.target(dir), out); err != nil {
		return fmt.Errorf("tour: %w", err)
	}
	if !stay {
		return nil
	}
	d.printAddresses(out, dir, c.Data == "")
	return d.goOn(ctx, out)
}

// goOn has a bank publish, and tells what customers answer, until ctx is done.
func (d *demo) goOn(ctx context.Context, out io.Writer) error {
	var telling sync.WaitGroup
	defer telling.Wait()
	telling.Go(func() {
		for tell := tellAnswer(out); ; {
			select {
			case a := <-d.answers:
				tell(a)
			case <-ctx.Done():
				return
			}
		}
	})
	past := samplebank.Replay{Accounts: []string{tourCurrent, tourCard}, Days: demoDays, Speed: demoSpeed}
	if err := d.feeds[tourBank].replay(ctx, past); err != nil && ctx.Err() == nil {
		return err
	}
	<-ctx.Done()
	fmt.Fprintln(out, "\nstopping")
	return nil
}

// So many days are replayed once the tour is over, a day in ten seconds; the data
// may be four weeks old, and all of it is to be within a look-back of 90 days.
const (
	demoDays  = tourLookBack - 28
	demoSpeed = 24 * 60 * 60 / 10
)

// directory is the data directory, and what to do with it afterwards.
func (c *demoOptions) directory() (string, func() error, error) {
	if c.Data != "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return "", nil, fmt.Errorf("make data directory: %w", err)
		}
		return c.Data, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "sluice-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make data directory: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

func (c *demoOptions) logger() (*slog.Logger, func() error, error) {
	if c.Log == "" {
		return slog.New(slog.DiscardHandler), func() error { return nil }, nil
	}
	f, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open log: %w", err)
	}
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug})), f.Close, nil
}
