package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/bank"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// load is how much is asked.
type load struct{ rounds, requests, inFlight int }

// call makes one request; it fails if the answer is not whole.
type call func(ctx context.Context) error

// workload is the same pull through both servers.
type workload struct {
	name        string
	proxy, gate call
}

// result is what one server took for one workload.
type result struct {
	workload, server string
	cpuMicros        float64   // of the serving process, per request, over all rounds
	millis           []float64 // latencies, in order
}

func workloads(s *stage) []workload {
	accounts := partnerv1.NewAccountServiceClient(s.gate.conn)
	access := &partnerv1.Access{
		ConsentId: s.consent, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
	}
	subject := &bankv1.Subject{CustomerId: benchCustomer, AccountIds: accountIDs()}
	return []workload{{
		name: "3 balances",
		proxy: func(ctx context.Context) error {
			var out bankv1.ListBalancesResponse
			err := s.proxy.conn.Invoke(ctx, string(bank.ListBalances), &bankv1.ListBalancesRequest{Subject: subject}, &out)
			return whole(err, len(out.GetAccounts()), 3)
		},
		gate: func(ctx context.Context) error {
			out, err := accounts.ListBalances(ctx, &partnerv1.ListBalancesRequest{Access: access})
			return whole(err, len(out.GetAccounts()), 3)
		},
	}, {
		name: "100 transactions",
		proxy: func(ctx context.Context) error {
			var out bankv1.ListTransactionsResponse
			err := s.proxy.conn.Invoke(ctx, string(bank.ListTransactions), &bankv1.ListTransactionsRequest{
				Subject: subject, FromDate: today(), ToDate: today(), PageSize: 100,
			}, &out)
			return whole(err, len(out.GetAccounts()[0].GetTransactions()), 100)
		},
		gate: func(ctx context.Context) error {
			out, err := accounts.ListTransactions(ctx, &partnerv1.ListTransactionsRequest{Access: access, AccountId: s.account})
			return whole(err, len(out.GetAccount().GetTransactions()), 100)
		},
	}}
}

func whole(err error, got, want int) error {
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("answer has %d items, want %d", got, want)
	}
	return nil
}

// measure alternates the servers round by round, after one round to warm up.
func measure(ctx context.Context, s *stage, l load) ([]*result, error) {
	var results []*result
	for _, w := range workloads(s) {
		proxy := &result{workload: w.name, server: s.proxy.name}
		gate := &result{workload: w.name, server: s.gate.name}
		for r := range l.rounds + 1 {
			if r == 1 {
				*proxy = result{workload: w.name, server: s.proxy.name}
				*gate = result{workload: w.name, server: s.gate.name}
			}
			if err := l.round(ctx, s.proxy, w.proxy, proxy); err != nil {
				return nil, fmt.Errorf("%s through %s: %w", w.name, s.proxy.name, err)
			}
			if err := l.round(ctx, s.gate, w.gate, gate); err != nil {
				return nil, fmt.Errorf("%s through %s: %w", w.name, s.gate.name, err)
			}
		}
		for _, r := range []*result{proxy, gate} {
			r.cpuMicros /= float64(l.rounds * l.requests)
			slices.Sort(r.millis)
			results = append(results, r)
		}
	}
	return results, nil
}

func (l load) round(ctx context.Context, s server, do call, into *result) error {
	before, err := cpuMicros(s.pid)
	if err != nil {
		return err
	}
	took := make([]float64, l.requests)
	group, ctx := errgroup.WithContext(ctx)
	for worker := range l.inFlight {
		group.Go(func() error {
			for i := worker; i < l.requests; i += l.inFlight {
				start := time.Now()
				if err := do(ctx); err != nil {
					return err
				}
				took[i] = float64(time.Since(start).Microseconds()) / 1000
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	after, err := cpuMicros(s.pid)
	if err != nil {
		return err
	}
	into.cpuMicros += after - before
	into.millis = append(into.millis, took...)
	return nil
}

// cpuMicros is the processor time a process has used, summed over its threads
// in nanoseconds by the kernel's scheduler.
func cpuMicros(pid int) (float64, error) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	var nanos float64
	for _, task := range tasks {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, task.Name()))
		if os.IsNotExist(err) {
			continue // the thread has ended; Go's rarely do
		}
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		n, err := strconv.ParseFloat(strings.Fields(string(raw))[0], 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		nanos += n
	}
	return nanos / 1000, nil
}
