package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// options say what to run.
type options struct {
	program, services, only string
	seed                    uint64
	each                    time.Duration
	repeat                  int
	short, latency          bool
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.StringVar(&o.program, "sluice", "bin/sluice-mutants", "the program, built with the tag mutants")
	flags.StringVar(&o.services, "services", "deploy/services.sh", "the script that starts services")
	flags.StringVar(&o.only, "only", "", "only cells whose fault or workload is one of these, or fault×workload, parted by commas")
	flags.Uint64Var(&o.seed, "seed", 0, "repeat this run; a new one if 0")
	flags.DurationVar(&o.each, "for", 3*time.Second, "how long a cell goes on, at least")
	flags.IntVar(&o.repeat, "repeat", 1, "how often to run each cell")
	flags.BoolVar(&o.short, "short", false, "one workload for each fault, and feeds for two of them")
	flags.BoolVar(&o.latency, "latency", false, "break nothing; measure how long a revoke takes")
	if err := flags.Parse(args); err != nil {
		return o, fmt.Errorf("flags: %w", err)
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1 << 32)
	}
	return o, nil
}

func run(ctx context.Context, args []string) (err error) {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	s, err := openStage(ctx, o.program, o.services)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if o.latency {
		return latency(ctx, s)
	}
	var (
		total            verdict
		cells, schedules int
		changes          []time.Duration
	)
	for n, c := range o.cells() {
		cells++
		for repeat := range o.repeat {
			schedules++
			seed := o.seed + uint64(1000*repeat+n)
			v, took, err := runCell(ctx, s, c, o.each, seed)
			if errors.Is(err, errIdle) { // a slow machine: once more, and longer
				v, took, err = runCell(ctx, s, c, 3*o.each, seed)
			}
			if err != nil {
				return fmt.Errorf("%s × %s: %w", c.fault.name, c.load.name, err)
			}
			total.add(v)
			changes = append(changes, took...)
		}
	}
	if err := s.atRest(&total); err != nil {
		return err
	}
	for _, why := range total.why {
		fmt.Println(" ", why)
	}
	fmt.Printf("seed %d; changes acknowledged after p50 %v, p99 %v\n", o.seed, percentile(changes, 0.5).Round(10*time.Microsecond), percentile(changes, 0.99).Round(10*time.Microsecond))
	if total.naps > 0 {
		fmt.Printf("events that came again and said so: %d; a partner stopped reading %d times, and could read at most %d bytes then\n", total.again, total.naps, total.unread)
	}
	fmt.Printf("chaos: %d cells, %d schedules, %d releases, %d revokes, %d stale, %d unrecorded, %d lost, %d out of order, %d duplicates unsaid\n",
		cells, schedules, total.releases, total.changes, total.stale, total.unrecorded, total.lost, total.outOfOrder, total.unsaid)
	if total.bad() {
		return fmt.Errorf("the promise was broken; run it again with -seed %d", o.seed)
	}
	return nil
}

// errIdle means that a cell showed nothing, good or bad.
var errIdle = errors.New("nothing happened in this cell")

// feedsInShort are the faults that feeds are tried under in a short run. The
// partner that stops reading is under each, and undisturbed under none.
func feedsInShort() []string { return []string{undisturbed, "kill"} }

// combination is a cell to run.
type combination struct {
	fault fault
	load  workload
}

func (o options) cells() []combination {
	var out []combination
	wanted := strings.FieldsFunc(o.only, func(r rune) bool { return r == ',' })
	for i, f := range faults() {
		for j, w := range workloads() {
			if o.short && !w.feeds && j != i%(len(workloads())-1) || o.short && w.feeds && !slices.Contains(feedsInShort(), f.name) {
				continue
			}
			if len(wanted) == 0 || slices.Contains(wanted, f.name) || slices.Contains(wanted, w.name) || slices.Contains(wanted, f.name+"×"+w.name) {
				out = append(out, combination{f, w})
			}
		}
	}
	return out
}

// runCell runs one schedule, heals, judges, and prints a line.
func runCell(ctx context.Context, s *stage, what combination, each time.Duration, seed uint64) (verdict, []time.Duration, error) {
	c := &cell{stage: s, load: what.load, history: newHistory(), retry: what.fault.name == rolling}
	if err := c.open(ctx, seed); err != nil {
		return verdict{}, nil, err
	}
	ends, cancel := context.WithTimeout(ctx, max(each, what.fault.atLeast))
	defer cancel()
	var traffic *feeding
	if what.load.feeds {
		var err error
		if traffic, err = c.feed(ctx, ends); err != nil {
			return verdict{}, nil, err
		}
	}
	hurting := make(chan struct{})
	go func() {
		defer close(hurting)
		what.fault.hurt(ends, s, rand.New(rand.NewPCG(seed, 1)))
	}()
	c.run(ends, seed)
	<-hurting
	if err := s.heal(ctx); err != nil {
		return verdict{}, nil, err
	}
	var events verdict
	if traffic != nil {
		if events = traffic.drained(ctx); what.fault.name == undisturbed && traffic.asleep.slows() {
			events.found(&events.lost, "others got less while a partner did not read: %s", traffic.asleep.line())
		}
	}
	v, err := c.history.judge(ctx, s, arrivesWithin+what.fault.frozen)
	if err != nil {
		return verdict{}, nil, err
	}
	v.add(events)
	if n := c.limited.Load(); c.retry && n > 0 {
		v.found(&v.lost, "%d calls were refused that need not have been", n)
	}
	fmt.Printf("%-20s × %-6s seed %-11d %6d releases %5d changes, %d stale, %d unrecorded, %d lost, %d out of order, %d unsaid; changes p50 %v p99 %v; refused: %s\n",
		what.fault.name, what.load.name, seed, v.releases, v.changes, v.stale, v.unrecorded, v.lost, v.outOfOrder, v.unsaid,
		percentile(c.history.revoking, 0.5).Round(100*time.Microsecond), percentile(c.history.revoking, 0.99).Round(100*time.Microsecond), c.history.refusals())
	if traffic != nil {
		fmt.Printf("%-20s   %d events; the last came %v after all was well; %s\n", "", traffic.published(), traffic.draining.Round(time.Millisecond), traffic.asleep.line())
	}
	if v.releases == 0 || v.changes == 0 || traffic != nil && what.fault.name == undisturbed && !traffic.asleep.telling() {
		return v, c.history.revoking, errIdle
	}
	return v, c.history.revoking, ctx.Err() //nolint:wrapcheck // the run is over
}
