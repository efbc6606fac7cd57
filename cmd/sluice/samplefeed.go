package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"

	"sluice/authn"
	bankv1 "sluice/gen/sluice/bank/v1"
	"sluice/reference/samplebank"
)

// sampleFeed publishes for a sample bank, and shows what its customers answer; and
// it keeps the bank's conversations within their consents.
type sampleFeed struct {
	bank      *samplebank.Bank
	publisher *samplebank.Publisher
	conn      *grpc.ClientConn
	every     time.Duration // how often it asks what became of consents; 0: as a bank does
	stop      context.CancelFunc
	running   sync.WaitGroup
	ended     error // of the publisher; to be read once it runs no more
}

// connectSampleFeed connects a bank to its gateway. It does nothing yet.
func connectSampleFeed(c *connection, b sampleBank) (*sampleFeed, error) {
	conn, err := c.dial(authn.Bank, b.id)
	if err != nil {
		return nil, err
	}
	return &sampleFeed{bank: b.bank, conn: conn, stop: func() {}, publisher: samplebank.NewPublisher(samplebank.PublisherConfig{
		Client: bankv1.NewFeedServiceClient(conn), Wait: wait, Trouble: tellTrouble(os.Stderr, b.id),
	})}, nil
}

// registered waits until the gateway knows the bank, which is registered by the
// address that it prints.
func (f *sampleFeed) registered(ctx context.Context) error {
	for {
		_, err := bankv1.NewConsentServiceClient(f.conn).ListConsents(ctx, &bankv1.ListConsentsRequest{PageSize: 1})
		if err == nil {
			return nil
		}
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
}

// begin begins to publish what is put, and what the bank writes to its customers.
// Each answer to an alert is told, on the gateway's call; what came of it is
// published a little later.
func (f *sampleFeed) begin(ctx context.Context, told func(samplebank.Answered)) {
	ctx, f.stop = context.WithCancel(ctx)
	f.running.Go(func() { f.ended = f.publisher.Run(ctx) })
	f.running.Go(func() { _ = f.bank.Talk(ctx, f.publisher) }) // what ends it ends the publisher, which says it
	f.running.Go(func() {
		_ = f.bank.FollowConsents(ctx, samplebank.FollowerConfig{
			Client: bankv1.NewConsentServiceClient(f.conn), Wait: wait, Every: f.every,
		})
	})
	f.bank.OnAnswer(func(a samplebank.Answered) {
		told(a)
		// An account that nothing was published of has no feed to tell it in.
		f.running.Go(func() { _ = f.bank.Resolve(ctx, f.publisher, a) })
	})
}

// replay publishes a part of the past, and waits until it is durable. Of accounts
// whose feed has stopped was told when it happened; the bank goes on without them.
func (f *sampleFeed) replay(ctx context.Context, r samplebank.Replay) error {
	if err := f.bank.Replay(ctx, f.publisher, r); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if err := f.publisher.Settled(ctx); err != nil && !errors.Is(err, samplebank.ErrStopped) {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

func (f *sampleFeed) close() error {
	f.bank.OnAnswer(func(samplebank.Answered) {})
	f.stop()
	f.running.Wait()
	return errors.Join(f.ended, f.conn.Close())
}

// wait lets time pass, or ends early with ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // it says what it is
	}
}

// tellAnswer prints what a customer answered, as the bank sees it.
func tellAnswer(w io.Writer) func(samplebank.Answered) {
	return func(a samplebank.Answered) {
		fmt.Fprintf(w, "answer to alert %s of %s: %s, by %s, confirmed as %s\n",
			printable(a.Alert), printable(a.Account), a.Choice, printable(a.Partner), printable(a.Confirmation))
	}
}

// tellTrouble says what a bank's publisher can't get past alone.
func tellTrouble(w io.Writer, bank string) func(error) {
	return func(err error) { fmt.Fprintf(w, "bank %s: %s\n", printable(bank), printable(err.Error())) }
}
