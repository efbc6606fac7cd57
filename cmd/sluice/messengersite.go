package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"sluice/authn"
	"sluice/reference/messenger"
)

// messengerSite is a reference messenger that is served.
type messengerSite struct {
	url    string
	listen net.Listener

	server  *http.Server // nil until it is open
	client  *http.Client
	conn    *grpc.ClientConn
	stop    context.CancelFunc
	running sync.WaitGroup
}

// messengerPlace says for which partner the messenger is, and where the gateway's
// authorization server is.
type messengerPlace struct {
	partner, issuer, mtls string
	dashboard             string // the issuer's if not given
	banks                 []messenger.Bank
	log                   *slog.Logger
}

// listenMessenger takes an address for the messenger, so that it can be registered.
// Without a url it is reached at the address, over plain HTTP.
func listenMessenger(ctx context.Context, address, url string) (*messengerSite, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for messenger: %w", err)
	}
	return &messengerSite{url: cmp.Or(strings.TrimSuffix(url, "/"), "http://"+reachable(l.Addr())), listen: l}, nil
}

// redirect is where customers come back to, as it must be registered.
func (s *messengerSite) redirect() string { return messenger.Config{URL: s.url}.Redirect() }

// open begins to serve, and to take what banks write. It goes on until it is closed.
func (s *messengerSite) open(ctx context.Context, c *connection, p messengerPlace) error {
	var err error
	if s.client, err = clientOf(c, p.partner); err != nil {
		return err
	}
	if s.conn, err = c.dial(authn.Partner, p.partner); err != nil {
		return err
	}
	chat, err := messenger.New(messenger.Config{
		Partner: p.partner, Gateway: s.conn, Issuer: p.issuer, MTLS: p.mtls, Client: s.client, URL: s.url,
		Banks: p.banks, Dashboard: cmp.Or(p.dashboard, p.issuer), Zone: time.Local, Now: now, Log: p.log,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("open messenger: %w", err), s.conn.Close())
	}
	// Open pages are told of news for as long as they stay: no limit for the whole,
	// neither of reading nor of writing, which would end that too.
	s.server = &http.Server{
		Handler: chat, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 32 << 10,
	}
	ctx, s.stop = context.WithCancel(ctx)
	s.running.Go(func() { _ = chat.Run(ctx) })            // ends with close
	s.running.Go(func() { _ = s.server.Serve(s.listen) }) // ends with close
	return nil
}

// clientOf calls the authorization server with a partner's certificate.
func clientOf(c *connection, partner string) (*http.Client, error) {
	base := filepath.Join(c.Data, "pki", "partner-"+partner)
	cert, err := tls.LoadX509KeyPair(base+".crt", base+".key")
	if err != nil {
		return nil, fmt.Errorf("read the messenger's certificate, which \"sluice certificate partner %s\" makes: %w", partner, err)
	}
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	return &http.Client{Timeout: loginTimeout, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, RootCAs: roots},
	}}, nil
}

// close ends it at once, with the pages that are open.
func (s *messengerSite) close() error {
	if s.server == nil {
		return s.listen.Close() //nolint:wrapcheck // it says what it is
	}
	s.stop()
	err := s.server.Close()
	s.running.Wait()
	s.client.CloseIdleConnections()
	return errors.Join(err, s.conn.Close())
}
