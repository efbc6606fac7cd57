package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"sluice/alert"
	"sluice/authn"
	"sluice/authn/devca"
	"sluice/bank/bankgrpc"
	"sluice/consent"
	"sluice/consent/grantdb"
	"sluice/disclosure"
	"sluice/disclosure/logdb"
	"sluice/feed"
	"sluice/feed/feeddb"
	"sluice/gateway"
	"sluice/gateway/bankapi"
	"sluice/gateway/codec"
	"sluice/gateway/customerapi"
	"sluice/gateway/interceptor"
	"sluice/gateway/operatorapi"
	"sluice/gateway/partnerapi"
	"sluice/gateway/replicaapi"
	"sluice/policy"
	"sluice/registry/registrydb"
	"sluice/seal"
	"sluice/sqldb"
)

const (
	maxCallDuration = 15 * time.Second
	bankTimeout     = 10 * time.Second
	sweepEvery      = 30 * time.Second
	maxRequest      = 64 << 10 // bytes; no other request of the contract needs more
	maxBatch        = 1 << 20  // bytes of events at once
	maxStreamLife   = time.Hour
	maxStreams      = 1000     // at once on one connection
	callWorkers     = 64       // goroutines kept, so that their stacks need not grow anew
	maxHeader       = 24 << 10 // bytes; a token and a proof, and room

	handshakeTimeout = 10 * time.Second
	maxIdle          = 15 * time.Minute // of a connection without calls
	// A peer that vanished is found out, or what its streams were given would wait.
	silence     = 30 * time.Second
	pongTimeout = 10 * time.Second
)

// house is a whole gateway in this process, wired from the ground up.
type house struct {
	config   config
	truth    *truth
	peers    *replicaapi.Peers // nil if alone
	registry *registrydb.Store
	book     *consent.Book
	log      *logdb.Log
	banks    *bankgrpc.Directory
	server   *grpc.Server
	health   *health.Server
	metrics  *metrics
	logger   *slog.Logger
	front    *front
	desk     *alert.Desk
	feed     *feed.Feed
	bell     *bell
	mending  *grantdb.Mending
	bound    atomic.Pointer[string] // where gRPC is served, once it is

	stopBeating context.CancelFunc     // nil if alone
	ending      func() context.Context // done when streams shall end
	endStreams  context.CancelFunc
}

// self is what every replica of the gateway is to others.
func self() authn.Identity { return authn.Identity{Kind: authn.Gateway, ID: "gateway"} }

// openHouse opens the data directory, making what is not there yet, and wires
// a server that is ready to serve. ca signs the gateway's own certificate.
func openHouse(ctx context.Context, c config, ca *devca.Authority, logger *slog.Logger) (*house, error) {
	keys, err := openSecrets(c.Data)
	if err != nil {
		return nil, err
	}
	t, err := openTruth(ctx, c, keys)
	if err != nil {
		return nil, err
	}
	h := &house{
		config: c, truth: t, registry: registrydb.New(t.db), log: logdb.New(t.db, t.boot),
		health: health.NewServer(), metrics: newMetrics(), logger: logger,
	}
	ending, end := context.WithCancel(context.WithoutCancel(ctx))
	h.ending, h.endStreams = func() context.Context { return ending }, end
	if err := h.openFront(ctx); err != nil {
		h.log.Close()
		return nil, errors.Join(err, t.db.Close())
	}
	if err := h.wire(ctx, keys, ca); err != nil {
		h.log.Close()
		return nil, errors.Join(err, h.front.leave(), t.db.Close())
	}
	return h, nil
}

func (h *house) wire(ctx context.Context, keys secrets, ca *devca.Authority) error {
	cert, err := ca.Issue(self(), time.Now(), gatewayHosts(h.config.Replica.Advertise)...)
	if err != nil {
		return fmt.Errorf("certificate of the gateway: %w", err)
	}
	h.truth.alone()
	if h.truth.db.Engine() == sqldb.Postgres {
		h.peers = replicaapi.NewPeers(cert, ca.Roots(), self())
		h.truth.among(h.peers)
	}
	h.bell = newBell(feeddb.New(h.truth.db, now))
	h.book = consent.NewBook(ringing{grantdb.New(h.truth.db), h.bell.ring}, h.truth.barrier, now)
	h.metrics.watchCache(h.truth.cache.Stats)
	h.metrics.watchRefusals(h.log.RefusalsDropped)
	h.banks = bankgrpc.New(h.registry, cert, ca.Roots(), bankTimeout)
	tokens, err := seal.NewSealer(keys.PageTokenKey)
	if err != nil {
		return fmt.Errorf("page tokens: %w", err)
	}
	names := gateway.NewPairwise(keys.PairwiseKey)
	engine, err := policy.New(ctx)
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	gate, err := gateway.New(gateway.Config{
		Grants: h.truth.cache, HandOffs: h.truth.gates, Parties: h.registry, Policy: engine, Banks: h.banks,
		Recorder: disclosure.NewRecorder(h.log), Usage: h.log, Refusals: h.log, Pairwise: names, Tokens: tokens,
		Observer: h.metrics, Now: now,
	})
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	if err := h.openDesk(keys, gate); err != nil {
		return err
	}
	if err := h.wireFront(keys, cert, ca.Roots(), names); err != nil {
		return err
	}
	feeds, err := h.wireFeeds(keys, gate, names, tokens)
	if err != nil {
		return err
	}
	return h.open(cert, ca.Roots(), func(s grpc.ServiceRegistrar) {
		feeds(s)
		partnerapi.NewAccounts(gate).Register(s)
		partnerapi.NewAlerts(gate, h.desk).Register(s)
		partnerapi.NewConversations(gate, h.registry).Register(s)
		partnerapi.NewConsents(h.book, h.registry, names, tokens).Register(s)
		bankapi.New(h.book, tokens).Register(s)
		customerapi.New(h.book, h.log, h.log, h.banks, tokens, now).Register(s)
		operatorapi.New(h.registry, h.book, h.truth.barrier).Register(s)
		replicaapi.New(newHearing(h.truth.barrier.Fence, h.truth.cache, h.bell.ring).Fence).Register(s)
	})
}

// open makes the server; it fails if a method declares no kind of caller.
func (h *house) open(cert tls.Certificate, roots *x509.CertPool, doors func(grpc.ServiceRegistrar)) error {
	validator, err := protovalidate.New()
	if err != nil {
		return fmt.Errorf("contract rules: %w", err)
	}
	var methods authn.Methods
	calls := interceptor.Config{
		Log: h.logger, Now: time.Now, MaxDuration: maxCallDuration,
		Methods: func() authn.Methods { return methods }, Validator: validator, SelfChecked: bankapi.SelfChecked(),
		MaxStream: maxStreamLife, Ending: h.ending,
	}
	credentials := authn.ServerCredentials
	if h.front.tokens != nil {
		calls.Tokens, credentials = h.front.tokens, authn.TokenServerCredentials
	}
	h.server = grpc.NewServer(
		grpc.Creds(credentials(cert, roots, &parties{registry: h.registry})),
		grpc.ForceServerCodecV2(codec.Bounded(sizeLimit)),
		grpc.MaxRecvMsgSize(maxBatch+maxRequest), grpc.MaxConcurrentStreams(maxStreams), grpc.NumStreamWorkers(callWorkers),
		grpc.MaxHeaderListSize(maxHeader), grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: maxIdle, Time: silence, Timeout: pongTimeout}),
		grpc.StatsHandler(interceptor.Answered{}), interceptor.HeadersFirst(calls), interceptor.Unary(calls), interceptor.Stream(calls),
	)
	doors(interceptor.Reading(h.server))
	healthpb.RegisterHealthServer(h.server, h.health)
	if h.config.Reflection {
		reflection.Register(h.server)
	}
	methods, err = authn.MethodsOf(h.server.GetServiceInfo())
	if err != nil {
		return fmt.Errorf("refuse to start: %w", err)
	}
	return nil
}

// sweep ends consents by time, and passes barriers that others could not, until
// ctx is done.
func (h *house) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	lastRelease := func(ctx context.Context, ids []consent.ID) (map[consent.ID]time.Time, error) {
		return h.log.LastRelease(ctx, ids...)
	}
	for {
		if n, err := h.book.Sweep(ctx, h.log.FirstRelease, lastRelease, disclosure.OneTimeSitting); err != nil && ctx.Err() == nil {
			h.logger.ErrorContext(ctx, "sweep", "error", err)
		} else if n > 0 {
			h.logger.InfoContext(ctx, "sweep", "changed", n)
		}
		if err := h.front.tend(ctx); err != nil && ctx.Err() == nil {
			h.logger.ErrorContext(ctx, "tend", "error", err)
		}
		h.mend(ctx)
		if err := h.feed.Sweep(ctx); err != nil && ctx.Err() == nil {
			h.logger.ErrorContext(ctx, "sweep feeds", "error", err)
		}
		if _, err := h.book.Settle(ctx); err != nil && ctx.Err() == nil {
			h.logger.ErrorContext(ctx, "settle", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// close lets calls under way end, then leaves the other replicas and lets go of
// everything.
func (h *house) close() error {
	h.health.Shutdown()
	h.endStreams()
	left := make(chan error, 1)
	go func() { left <- h.front.leave() }()
	done := make(chan struct{})
	go func() { h.server.GracefulStop(); close(done) }()
	select {
	case <-done:
	case <-time.After(maxCallDuration):
		h.server.Stop()
	}
	errs := []error{<-left}
	if h.stopBeating != nil {
		h.stopBeating()
	}
	errs = append(errs, h.truth.leave(), h.banks.Close())
	h.log.Close()
	if h.peers != nil {
		errs = append(errs, h.peers.Close())
	}
	return errors.Join(append(errs, h.truth.close())...)
}

// gatewayHosts are the names the gateway answers to besides localhost.
func gatewayHosts(advertised string) []string {
	hosts := []string{"gateway"}
	if host, _, err := net.SplitHostPort(advertised); err == nil && host != "" {
		hosts = append(hosts, host)
	}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	return hosts
}
