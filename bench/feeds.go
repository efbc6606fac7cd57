package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/sqldb"
)

// feedAccounts are those that events are published of, all under one consent.
func feedAccounts() []string {
	out := make([]string, 90)
	for i := range out {
		out[i] = fmt.Sprintf("F%02d", i)
	}
	return out
}

// runFeeds measures what an event costs on its way from bank to partner, on each
// database there is.
func runFeeds(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench feeds", flag.ContinueOnError)
	program := flags.String("sluice", "bin/sluice", "the program to measure")
	events := flags.Int("events", 9000, "events of each measurement")
	idle := flags.Int("idle", 10_000, "idle streams")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	if err := measureFeeds(ctx, *program, "SQLite", "", *events, *idle); err != nil {
		return fmt.Errorf("on SQLite: %w", err)
	}
	server := os.Getenv("SLUICE_TEST_POSTGRES")
	if server == "" {
		fmt.Println("PostgreSQL: SLUICE_TEST_POSTGRES names no server; deploy/services.sh up starts one")
		return nil
	}
	name := "bench_" + strings.ToLower(rand.Text())
	u, err := url.Parse(server)
	if err != nil {
		return fmt.Errorf("read URL: %w", err)
	}
	if err := execSQL(ctx, server, 0, `CREATE DATABASE `+name); err != nil {
		return err
	}
	u.Path = "/" + name
	if err := sqldb.Migrate(ctx, u.String()); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := measureFeeds(ctx, *program, "PostgreSQL", u.String(), *events, 0); err != nil {
		return fmt.Errorf("on PostgreSQL: %w", err)
	}
	return execSQL(ctx, server, 0, `DROP DATABASE `+name+` WITH (FORCE)`)
}

// feeds is a bank that publishes and a partner that receives.
type feeds struct {
	*stage
	bank   bankv1.FeedServiceClient
	events partnerv1.EventServiceClient
	stream grpc.BidiStreamingClient[partnerv1.SubscribeRequest, partnerv1.SubscribeResponse]
	next   map[string]int64 // sequence, by account
	turn   int
}

func measureFeeds(ctx context.Context, program, name, database string, events, idle int) (err error) {
	s, err := openStage(ctx, program, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	bank, err := s.dial(s.gateAddress, "bank-"+benchBank)
	if err != nil {
		return err
	}
	defer bank.Close()
	f := &feeds{
		stage: s, bank: bankv1.NewFeedServiceClient(bank), events: partnerv1.NewEventServiceClient(s.gate.conn), next: map[string]int64{},
	}
	if f.stream, err = f.events.Subscribe(ctx); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if err := f.agree(ctx, bank); err != nil {
		return err
	}
	fmt.Printf("\nfeeds on %s\n", name)
	for _, batch := range []int{1, 100} {
		if err := f.throughput(ctx, events, batch); err != nil {
			return fmt.Errorf("batches of %d: %w", batch, err)
		}
	}
	if err := f.delays(ctx); err != nil {
		return fmt.Errorf("delays: %w", err)
	}
	if idle > 0 {
		return f.idle(ctx, idle)
	}
	return nil
}

// agree makes a consent over all accounts that events are of.
func (f *feeds) agree(ctx context.Context, bank *grpc.ClientConn) error {
	clusters := []datav1.DataCluster{datav1.DataCluster_DATA_CLUSTER_BALANCES}
	asked, err := partnerv1.NewConsentServiceClient(f.gate.conn).RequestConsent(ctx, &partnerv1.RequestConsentRequest{
		BankId: benchBank, Terms: &consentv1.Terms{
			Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "measuring",
			ValidUntil: timestamppb.New(time.Now().AddDate(0, 1, 0)), UnattendedPerDay: 1,
		},
	})
	if err != nil {
		return fmt.Errorf("request consent: %w", err)
	}
	choice := &customerv1.AuthorizeConsentRequest{CustomerId: benchCustomer, ConsentId: asked.GetConsent().GetConsentId()}
	for _, id := range feedAccounts() {
		choice.Shares = append(choice.Shares, &consentv1.Share{AccountId: id, Clusters: clusters})
	}
	if _, err := customerv1.NewConsentServiceClient(bank).AuthorizeConsent(ctx, choice); err != nil {
		return fmt.Errorf("authorize consent: %w", err)
	}
	return f.receive(ctx, 2, func(int64) {}) // that the two consents of this run were given
}

// make makes events, each of the next account; the amount tells them apart.
func (f *feeds) make(n, first int) []*bankv1.FeedEvent {
	out := make([]*bankv1.FeedEvent, n)
	for i := range out {
		account := feedAccounts()[f.turn%len(feedAccounts())]
		f.turn++
		f.next[account]++
		out[i] = &bankv1.FeedEvent{
			AccountId: account, Sequence: f.next[account], OccurredAt: timestamppb.Now(),
			What: &bankv1.FeedEvent_BalanceChanged{BalanceChanged: &bankv1.BalanceChanged{Balances: []*datav1.Balance{
				{Type: datav1.BalanceType_BALANCE_TYPE_INTERIM_AVAILABLE, Amount: czk(int64(first+i), 0)},
			}}},
		}
	}
	return out
}

// throughput publishes so many events over one stream, and then delivers them
// over another.
func (f *feeds) throughput(ctx context.Context, events, batch int) error {
	if batch == 1 {
		events /= 3
	}
	for _, phase := range []struct {
		name string
		do   func() error
	}{
		{"published and durable", func() error { return f.publish(ctx, events, batch) }},
		{"delivered and acknowledged", func() error { return f.receive(ctx, events, func(int64) {}) }},
	} {
		before, err := cpuMicros(f.gate.pid)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := phase.do(); err != nil {
			return fmt.Errorf("%s: %w", phase.name, err)
		}
		took := time.Since(began)
		after, err := cpuMicros(f.gate.pid)
		if err != nil {
			return err
		}
		fmt.Printf("  batches of %-4d %-27s %7.0f events/s, %5.0f CPU µs each\n", batch, phase.name+":", float64(events)/took.Seconds(), (after-before)/float64(events))
	}
	return nil
}

func (f *feeds) publish(ctx context.Context, events, batch int) error {
	group, ctx := errgroup.WithContext(ctx)
	stream, err := f.bank.Publish(ctx)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	requests := events / batch
	group.Go(func() error {
		for i := range requests {
			if err := stream.Send(&bankv1.PublishRequest{Events: f.make(batch, i*batch)}); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
		}
		return stream.CloseSend()
	})
	group.Go(func() error {
		for range requests {
			answer, err := stream.Recv()
			if err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			if len(answer.GetRejections()) > 0 {
				return fmt.Errorf("an event was rejected: %v", answer.GetRejections()[0])
			}
		}
		return nil
	})
	return group.Wait() //nolint:wrapcheck // wrapped where it comes from
}

// flushEvery is how long the partner gathers acknowledgements.
const flushEvery = 5 * time.Millisecond

// receive gives credit for so many events, takes and acknowledges them. It tells
// the amount of each balance.
func (f *feeds) receive(ctx context.Context, events int, got func(amount int64)) error {
	first := min(events, 1000)
	if err := f.stream.Send(&partnerv1.SubscribeRequest{Credits: int32(first)}); err != nil {
		return fmt.Errorf("give credit: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	done := make(chan string, events)
	group.Go(func() error { return f.acknowledge(ctx, events, events-first, done) })
	group.Go(func() error {
		for left := events; left > 0; {
			answer, err := f.stream.Recv()
			if err != nil {
				return fmt.Errorf("receive, with %d to come: %w", left, err)
			}
			left -= len(answer.GetEvents())
			for _, e := range answer.GetEvents() {
				done <- e.GetDeliveryId()
				for _, a := range e.GetBalance().GetAccounts() {
					got(a.GetBalances()[0].GetAmount().GetUnits())
				}
			}
		}
		return nil
	})
	return group.Wait() //nolint:wrapcheck // wrapped where it comes from
}

// acknowledge tells of what is done with, gathered, and gives credit for as many.
func (f *feeds) acknowledge(ctx context.Context, left, unasked int, done <-chan string) error {
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	for left > 0 {
		select {
		case <-flush.C:
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // another says what happened
		}
		r := &partnerv1.SubscribeRequest{}
		for range min(len(done), 1000) {
			r.Acknowledgements = append(r.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: <-done})
		}
		if n := len(r.GetAcknowledgements()); n > 0 {
			r.Credits = int32(min(n, unasked))
			left, unasked = left-n, unasked-int(r.GetCredits())
			if err := f.stream.Send(r); err != nil {
				return fmt.Errorf("acknowledge: %w", err)
			}
		}
	}
	return nil
}

const (
	delayEvents = 1000
	delayEvery  = 10 * time.Millisecond
)

// delays publishes at a steady rate and measures until the partner has each.
func (f *feeds) delays(ctx context.Context) error {
	sent, took := make([]time.Time, delayEvents), make([]float64, 0, delayEvents)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return f.receive(ctx, delayEvents, func(amount int64) {
			took = append(took, float64(time.Since(sent[amount]).Microseconds())/1000)
		})
	})
	group.Go(func() error {
		tick := time.NewTicker(delayEvery)
		defer tick.Stop()
		for i := range delayEvents {
			<-tick.C
			sent[i] = time.Now()
			if _, err := f.bank.PublishBatch(ctx, &bankv1.PublishBatchRequest{Events: f.make(1, i)}); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err //nolint:wrapcheck // wrapped where it comes from
	}
	slices.Sort(took)
	fmt.Printf("  from publishing to the partner, at %d events/s: p50 %.1f ms, p99 %.1f ms\n",
		time.Second/delayEvery, took[len(took)/2], took[len(took)*99/100])
	return nil
}

// idle opens streams that give credit and get nothing, and measures what they
// weigh and cost.
func (f *feeds) idle(ctx context.Context, streams int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before, err := residentKiB(f.gate.pid)
	if err != nil {
		return err
	}
	const perConnection = 900
	for i := 0; i < streams; i += perConnection {
		conn, err := f.dial(f.gateAddress, "partner-messenger")
		if err != nil {
			return err
		}
		defer conn.Close()
		for range min(perConnection, streams-i) {
			stream, err := partnerv1.NewEventServiceClient(conn).Subscribe(ctx)
			if err == nil {
				err = stream.Send(&partnerv1.SubscribeRequest{Credits: 10})
			}
			if err != nil {
				return fmt.Errorf("subscribe: %w", err)
			}
		}
	}
	time.Sleep(10 * time.Second) // for all of them to have asked, and the collector to have run
	cpu, err := cpuMicros(f.gate.pid)
	if err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	cpuAfter, err := cpuMicros(f.gate.pid)
	if err != nil {
		return err
	}
	after, err := residentKiB(f.gate.pid)
	if err != nil {
		return err
	}
	fmt.Printf("  %d idle streams: %.1f KiB each, %.2f processors in all\n", streams, (after-before)/float64(streams), (cpuAfter-cpu)/5e6)
	return nil
}

// residentKiB is the memory that a process has.
func residentKiB(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				return 0, fmt.Errorf("read memory: %w", err)
			}
			return n, nil
		}
	}
	return 0, errors.New("the process says nothing of its memory")
}
