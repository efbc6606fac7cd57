package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sluice/consent"
	"sluice/consent/grantcache"
	"sluice/disclosure"
	"sluice/gateway/fields"
)

// metrics counts what operators watch.
type metrics struct {
	registry *prometheus.Registry
	dropped  *prometheus.CounterVec
	released *prometheus.CounterVec
	acked    *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_bank_answer_dropped_total",
			Help: "What banks answered beyond what was permitted and was dropped: whole accounts, " +
				"items outside the permitted days, fields of kinds not permitted, and fields unknown to the contract.",
		}, []string{"bank", "what"}),
		released: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_releases_total",
			Help: "Recorded releases by what became of them. A late one is an incident: it left when the consent might have changed.",
		}, []string{"outcome"}),
		acked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_feed_acknowledged_total",
			Help: "What partners said of events, in this process: taken or failed. Saying it again counts again.",
		}, []string{"partner", "outcome"}),
	}
	// They are there before the first release: a rate over what is not, is none.
	for _, what := range []disclosure.Outcome{disclosure.Sent, disclosure.Withheld, disclosure.Late} {
		m.released.WithLabelValues(outcomeLabel(what))
	}
	m.registry.MustRegister(m.dropped, m.released, m.acked, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watchCache shows how the grant cache is used.
func (m *metrics) watchCache(stats func() grantcache.Stats) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sluice_grant_cache_entries", Help: "Grants kept in this process.",
	}, func() float64 { return float64(stats().Entries) }))
	for from, count := range map[string]func(grantcache.Stats) int64{
		"process": func(s grantcache.Stats) int64 { return s.Process },
		"redis":   func(s grantcache.Stats) int64 { return s.Shared },
		"sql":     func(s grantcache.Stats) int64 { return s.Truth },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "sluice_grant_lookups_total", Help: "Look-ups of grants by where they were found.",
			ConstLabels: prometheus.Labels{"from": from},
		}, func() float64 { return float64(count(stats())) }))
	}
}

// watchRefusals shows how many refusals customers will not see counted.
func (m *metrics) watchRefusals(dropped func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "sluice_refusals_dropped_total",
		Help: "Refusals that were not counted for customers to see, because the database was away for long.",
	}, func() float64 { return float64(dropped()) }))
}

// Released counts releases by outcome.
func (m *metrics) Released(what disclosure.Outcome) {
	m.released.WithLabelValues(outcomeLabel(what)).Inc()
}

// acknowledged counts what a partner said of events.
func (m *metrics) acknowledged(partner consent.PartnerID, taken, failed int) {
	m.acked.WithLabelValues(string(partner), "taken").Add(float64(taken))
	m.acked.WithLabelValues(string(partner), "failed").Add(float64(failed))
}

func outcomeLabel(what disclosure.Outcome) string { return strings.ToLower(what.String()) }

// Dropped counts over-answers; it is the gate's observer.
func (m *metrics) Dropped(bank consent.BankID, d fields.Dropped) {
	for what, n := range map[string]int{
		"accounts": d.Accounts, "items": d.Items, "fields": d.Fields, "foreign": d.Foreign, "unknown": d.Unknown,
	} {
		if n > 0 {
			m.dropped.WithLabelValues(string(bank), what).Add(float64(n))
		}
	}
}

// listenMetrics takes the address for metrics and the operators' page.
func listenMetrics(ctx context.Context, address string) (net.Listener, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w", err)
	}
	return l, nil
}

// serve answers GET /metrics, and GET / with the operators' page, until ctx is done.
func (m *metrics) serve(ctx context.Context, l net.Listener, page http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.Handle("GET /{$}", page)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}
