package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sluice/consent"
	"sluice/gateway/fields"
)

// metrics counts what operators watch.
type metrics struct {
	registry *prometheus.Registry
	dropped  *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_bank_answer_dropped_total",
			Help: "What banks answered beyond what was permitted and was dropped: whole accounts, " +
				"items outside the permitted days, fields of kinds not permitted, and fields unknown to the contract.",
		}, []string{"bank", "what"}),
	}
	m.registry.MustRegister(m.dropped)
	return m
}

// Dropped counts over-answers; it is the gate's observer.
func (m *metrics) Dropped(bank consent.BankID, d fields.Dropped) {
	for what, n := range map[string]int{
		"accounts": d.Accounts, "items": d.Items, "fields": d.Fields, "unknown": d.Unknown,
	} {
		if n > 0 {
			m.dropped.WithLabelValues(string(bank), what).Add(float64(n))
		}
	}
}

// serve answers GET /metrics until ctx is done.
func (m *metrics) serve(ctx context.Context, address string) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}
