package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/consent"
	"sluice/feed"
	"sluice/registry"
)

const (
	feedsStale = 10 * time.Second // a look is shared by all who ask within
	feedsLimit = 5 * time.Second  // and takes no longer
)

// feedGauges read how feeds stand when somebody asks: the database has it, for
// all replicas.
type feedGauges struct {
	feed interface {
		Counts(ctx context.Context, party string, day consent.Day) (map[string]int, error)
		Backlog(ctx context.Context, partner consent.PartnerID) (feed.Backlog, error)
	}
	parties interface {
		Partners(ctx context.Context) ([]registry.Partner, error)
		Banks(ctx context.Context) ([]registry.Bank, error)
	}
	log *slog.Logger
	now func() time.Time

	waiting, oldest, aside, dropped, rejected *prometheus.Desc

	mu   sync.Mutex
	at   time.Time
	have []prometheus.Metric
}

// watchFeeds shows how feeds stand.
func (m *metrics) watchFeeds(g *feedGauges) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	g.waiting = desc("sluice_feed_waiting", "Events that wait for a partner, on all replicas; beyond 100000 it is counted no further.", "partner")
	g.oldest = desc("sluice_feed_oldest_seconds", "For how long the oldest event has waited for a partner; 0 if none waits.", "partner")
	g.aside = desc("sluice_feed_put_aside", "Events that a partner failed to take and were put aside within seven days.", "partner")
	g.dropped = desc("sluice_feed_dropped_today", "Events that were not delivered, since midnight UTC, on all replicas, by why.", "reason")
	g.rejected = desc("sluice_feed_rejected_today", "Events of a bank that were out of rule, since midnight UTC, on all replicas.", "bank")
	m.registry.MustRegister(g)
}

// Describe tells Prometheus what there is.
func (g *feedGauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.waiting, g.oldest, g.aside, g.dropped, g.rejected} {
		to <- d
	}
}

// Collect looks, unless somebody just did. What can't be read is not there.
func (g *feedGauges) Collect(to chan<- prometheus.Metric) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := g.now(); at.Before(g.at) || !at.Before(g.at.Add(feedsStale)) {
		ctx, cancel := context.WithTimeout(context.Background(), feedsLimit)
		defer cancel()
		look := feedLook{feedGauges: g, ctx: ctx, at: at, reasons: map[string]int{}}
		if err := look.all(); err != nil {
			g.log.Warn("measure feeds", "error", err)
			look.out = nil
		}
		g.at, g.have = at, look.out
	}
	for _, m := range g.have {
		to <- m
	}
}

// feedLook is one look.
type feedLook struct {
	*feedGauges
	ctx     context.Context //nolint:containedctx // lives as long as the look
	at      time.Time
	reasons map[string]int
	out     []prometheus.Metric
}

func (l *feedLook) gauge(d *prometheus.Desc, value float64, label string) {
	l.out = append(l.out, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, label))
}

func (l *feedLook) all() error {
	partners, err := l.parties.Partners(l.ctx)
	if err != nil {
		return fmt.Errorf("list partners: %w", err)
	}
	banks, err := l.parties.Banks(l.ctx)
	if err != nil {
		return fmt.Errorf("list banks: %w", err)
	}
	for _, why := range []string{feed.Expired, feed.Withdrawn, feed.Unreadable} {
		l.reasons[why] = 0 // there before the first
	}
	for _, p := range partners {
		if err := l.partner(p.ID); err != nil {
			return err
		}
	}
	for why, n := range l.reasons {
		l.gauge(l.dropped, float64(n), why)
	}
	for _, b := range banks {
		if err := l.bank(b.ID); err != nil {
			return err
		}
	}
	return nil
}

func (l *feedLook) partner(id consent.PartnerID) error {
	b, err := l.feed.Backlog(l.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // it says what it is
	}
	l.gauge(l.waiting, float64(b.Waiting), string(id))
	l.gauge(l.oldest, b.Age.Seconds(), string(id))
	l.gauge(l.aside, float64(b.PutAside), string(id))
	counts, err := l.feed.Counts(l.ctx, string(id), consent.DayOf(l.at))
	for what, n := range counts { // "dropped KIND WHY"
		if words := strings.Fields(what); len(words) == 3 && words[0] == "dropped" {
			l.reasons[words[2]] += n
		}
	}
	return err //nolint:wrapcheck // it says what it is
}

func (l *feedLook) bank(id consent.BankID) error {
	counts, err := l.feed.Counts(l.ctx, string(id), consent.DayOf(l.at))
	total := 0
	for what, n := range counts {
		if strings.HasPrefix(what, "rejected ") {
			total += n
		}
	}
	l.gauge(l.rejected, float64(total), string(id))
	return err //nolint:wrapcheck // it says what it is
}
