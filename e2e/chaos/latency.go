package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const (
	revokesMeasured = 150
	warmUp          = 40 // revokes that are not measured: connections prepare their statements
	background      = 40 // pulls a second, of other consents
)

// latency measures how long a revoke takes until it is final on three replicas,
// next to how long this disk takes to make a page durable.
func latency(ctx context.Context, s *stage) error {
	sync99, err := fdatasync(s.dir)
	if err != nil {
		return err
	}
	fmt.Printf("fdatasync of 8 KiB: p99 %v\n", sync99)
	for _, scenario := range []struct {
		name   string
		hammer int
		dead   bool
		count  int
	}{
		{"under light load", 0, false, revokesMeasured},
		{"while a partner hammers the same grant", 2, false, revokesMeasured},
		{"with a replica that died holding an answer", 0, true, 10},
	} {
		took, err := measureRevokes(ctx, s, scenario.hammer, scenario.dead, scenario.count)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario.name, err)
		}
		p99 := percentile(took, 0.99)
		fmt.Printf("revoke %-43s p50 %-10v p99 %-10v = %.1f × fdatasync\n", scenario.name+":",
			percentile(took, 0.5).Round(10*time.Microsecond), p99.Round(10*time.Microsecond), float64(p99)/float64(sync99))
	}
	return nil
}

func measureRevokes(ctx context.Context, s *stage, hammer int, dead bool, count int) ([]time.Duration, error) {
	if err := s.heal(ctx); err != nil {
		return nil, err
	}
	others := &cell{stage: s, load: workload{consents: 8}, history: newHistory()}
	if err := others.open(ctx, 1); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var loading sync.WaitGroup
	defer loading.Wait()
	defer cancel()
	loading.Go(func() { others.paced(ctx) })
	var took []time.Duration
	for n := range count + warmUp {
		d, err := measureRevoke(ctx, s, hammer, dead && n >= warmUp, uint64(n))
		if err != nil {
			return nil, err
		}
		if n >= warmUp {
			took = append(took, d)
		}
	}
	return took, nil
}

// paced pulls other consents at a steady rate.
func (c *cell) paced(ctx context.Context) {
	r := rand.New(rand.NewPCG(1, 2))
	for pause(ctx, time.Second/background) {
		s := c.slots[r.IntN(len(c.slots))].Load()
		_, _ = c.pullOnce(ctx, c.stage.replicas[r.IntN(2)], accessTo(s.id)) // the third may be dead
	}
}

func accessTo(id string) *partnerv1.Access {
	return &partnerv1.Access{
		ConsentId: id, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
	}
}

// measureRevoke revokes one consent that all replicas released under just now.
func measureRevoke(ctx context.Context, s *stage, hammer int, dead bool, seed uint64) (time.Duration, error) {
	c := &cell{stage: s, load: workload{consents: 1}, history: newHistory()}
	if err := c.open(ctx, seed); err != nil {
		return 0, err
	}
	one := c.slots[0].Load()
	for _, r := range s.replicas {
		if _, err := c.pullOnce(ctx, r, accessTo(one.id)); err != nil {
			return 0, fmt.Errorf("pull: %w", err)
		}
	}
	hammering, stop := context.WithCancel(ctx)
	var partners sync.WaitGroup
	for i := range hammer {
		partners.Go(func() {
			for hammering.Err() == nil {
				_, _ = c.pullOnce(ctx, s.replicas[i%replicaCount], accessTo(one.id))
			}
		})
	}
	if hammer > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	if dead {
		s.replicas[2].kill()
	}
	customer := customerv1.NewConsentServiceClient(s.replicas[0].as(authn.Bank, one.person.bank))
	began := time.Now()
	_, err := customer.RevokeConsent(bounded(ctx), &customerv1.RevokeConsentRequest{CustomerId: one.person.customer, ConsentId: one.id})
	took := time.Since(began)
	stop()
	partners.Wait()
	if dead {
		err = errors.Join(err, s.heal(ctx))
	}
	if err != nil {
		return 0, fmt.Errorf("revoke: %w", err)
	}
	return took, nil
}

// fdatasync is how long the disk takes, at the 99th percentile, to keep a page.
func fdatasync(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "page"))
	if err != nil {
		return 0, fmt.Errorf("measure disk: %w", err)
	}
	defer f.Close()
	page, took := make([]byte, 8<<10), make([]time.Duration, 0, 1000)
	for i := range cap(took) {
		page[0] = byte(i)
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, fmt.Errorf("measure disk: %w", err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, fmt.Errorf("measure disk: %w", err)
		}
		took = append(took, time.Since(began))
	}
	return percentile(took, 0.99), nil
}
