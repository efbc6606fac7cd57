package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	bankv1 "sluice/gen/sluice/bank/v1"
	"sluice/reference/samplebank"
)

// sampleDesk says where the agents' desk of a sample bank is, and who sits there.
type sampleDesk struct {
	listen    string
	hosts     []string // besides this machine's own names
	agents    []string
	questions bool // put sample questions into its queue
}

// serveDesk serves the desk over TLS. It sees consents through the bank's feed.
func (b *sampleBank) serveDesk(ctx context.Context, f *sampleFeed, p sampleDesk) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", p.listen)
	if err != nil {
		return fmt.Errorf("listen for desk: %w", err)
	}
	handler, err := samplebank.NewDesk(b.bank, samplebank.DeskConfig{
		Agents: p.agents, Hosts: p.hosts, Consents: bankv1.NewConsentServiceClient(f.conn),
	})
	if err == nil && p.questions {
		err = b.bank.DemoQuestions()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open desk: %w", err), l.Close())
	}
	b.desk = "https://" + reachable(l.Addr())
	b.serve(l, handler)
	return nil
}

// serve serves pages with the bank's own certificate until the bank stops.
func (b *sampleBank) serve(l net.Listener, handler http.Handler) {
	site := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
		// Browsers that do not know the development authority would fill the terminal.
		ErrorLog:  log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{b.cert}},
	}
	b.sites = append(b.sites, site)
	go func() { _ = site.ServeTLS(l, "", "") }() // ends with the server
}
