package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/consent/replica"
)

// addressFile, in the data directory, tells local clients where the gateway listens.
const addressFile = "gateway.addr"

type serveCmd struct {
	Config      string `help:"Configuration file; see deploy/sluice.example.yaml." type:"existingfile" placeholder:"FILE"`
	CheckConfig bool   `help:"Say whether the configuration is good, and exit."`
	Data        string `help:"Data directory; made if it is not there (./sluice-data)." env:"SLUICE_DATA" type:"path"`
	Listen      string `help:"Address to serve gRPC on (127.0.0.1:8443)." placeholder:"HOST:PORT"`
	Metrics     string `help:"Address to serve Prometheus metrics and a page for operators on; none if empty." placeholder:"HOST:PORT"`
	Web         string `help:"Address to serve the customer's pages and the authorization server on; none if empty." placeholder:"HOST:PORT"`
	WebMTLS     string `help:"The same for clients that show a certificate." placeholder:"HOST:PORT"`
	Private     bool   `help:"Let banks' logins and partners' keys be at addresses of the own network; for development." name:"private-addresses"`
	Reflection  bool   `help:"Answer gRPC reflection to authenticated callers."`
	LogLevel    string `help:"Least level to log: debug, info (if not given), warn, error." placeholder:"LEVEL"`
}

func (c *serveCmd) Help() string {
	return `Serves the gateway until it is interrupted, then lets calls under way end.
Flags go before what the configuration file says.

Examples:
  sluice serve --data /var/lib/sluice --listen 0.0.0.0:8443 --metrics 127.0.0.1:9090
  sluice serve --config sluice.yaml --check-config
  sluice serve --web 127.0.0.1:8444 --web-mtls 127.0.0.1:8445 --private-addresses
  sluice partner add messenger --name Messenger --certificate && sluice certificate partner messenger`
}

// Run serves until an interrupt.
func (c *serveCmd) Run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := c.configure()
	if err != nil {
		return err
	}
	if c.CheckConfig {
		fmt.Println("the configuration is good")
		return nil
	}
	logger, err := newLogger(cfg.LogLevel)
	if err != nil {
		return err
	}
	ca, err := openAuthority(cfg.Data)
	if err != nil {
		return err
	}
	h, err := openHouse(ctx, cfg, ca, logger)
	if err != nil {
		return err
	}
	address, err := h.listen(ctx)
	if err != nil {
		return errors.Join(err, h.close())
	}
	logger.InfoContext(ctx, "serving", "address", address, "data", cfg.Data, "database", h.truth.db.Engine(),
		"pages", h.front.url, "with_certificates", h.front.mtlsURL)
	return h.run(ctx)
}

// configure reads the configuration and puts the flags over it.
func (c *serveCmd) configure() (config, error) {
	cfg, err := readConfig(c.Config)
	if err != nil {
		return config{}, err
	}
	cfg.Data = cmp.Or(c.Data, cfg.Data)
	cfg.Listen = cmp.Or(c.Listen, cfg.Listen)
	cfg.Metrics = cmp.Or(c.Metrics, cfg.Metrics)
	cfg.Web.Listen = cmp.Or(c.Web, cfg.Web.Listen)
	cfg.Web.MTLSListen = cmp.Or(c.WebMTLS, cfg.Web.MTLSListen)
	cfg.LogLevel = cmp.Or(c.LogLevel, cfg.LogLevel)
	cfg.Reflection = cfg.Reflection || c.Reflection
	cfg.Web.PrivateAddresses = cfg.Web.PrivateAddresses || c.Private
	return cfg, cfg.check()
}

// openAuthority opens the development authority of a data directory and makes
// sure that the operator has a certificate.
func openAuthority(dir string) (*devca.Authority, error) {
	ca, err := devca.Open(filepath.Join(dir, "pki"), time.Now())
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	if _, err := ca.Issue(authn.Identity{Kind: authn.Operator, ID: "ops"}, time.Now()); err != nil {
		return nil, fmt.Errorf("certificate of the operator: %w", err)
	}
	return ca, nil
}

// listen joins the other replicas, begins to serve and writes down where.
func (h *house) listen(ctx context.Context) (string, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", h.config.Listen)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	bound := l.Addr().String()
	h.bound.Store(&bound)
	if err := h.front.tend(ctx); err != nil { // the first signing key must be there
		return "", errors.Join(err, l.Close())
	}
	if err := h.join(ctx, bound); err != nil {
		return "", errors.Join(err, l.Close())
	}
	if err := os.WriteFile(filepath.Join(h.config.Data, addressFile), []byte(bound+"\n"), 0o600); err != nil {
		return "", errors.Join(fmt.Errorf("write down the address: %w", err), l.Close())
	}
	go func() {
		if err := h.server.Serve(l); err != nil {
			h.logger.Error("serve", "error", err)
		}
	}()
	h.front.open(h.logger)
	h.health.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	for service := range h.server.GetServiceInfo() {
		h.health.SetServingStatus(service, healthpb.HealthCheckResponse_SERVING)
	}
	return bound, nil
}

// join makes this one of the replicas, before it serves.
func (h *house) join(ctx context.Context, bound string) error {
	if h.truth.rows == nil {
		return nil
	}
	address := h.config.Replica.Advertise
	if address == "" {
		address = bound
	}
	h.truth.member = replica.New(h.truth.rows, h.truth.cache, h.peers, h.truth.boot, address, h.logger, boottime)
	if err := h.truth.member.Join(ctx); err != nil {
		return fmt.Errorf("join replicas: %w", err)
	}
	return nil
}

// run serves until ctx is done, then closes the house.
func (h *house) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { h.sweep(ctx); return nil })
	group.Go(func() error { h.carry(ctx); return nil })
	if h.truth.member != nil {
		// Until calls under way have ended; close stops it then.
		var beating context.Context
		beating, h.stopBeating = context.WithCancel(context.WithoutCancel(ctx))
		go h.truth.member.Run(beating)
	}
	if h.config.Metrics != "" {
		group.Go(func() error {
			l, err := listenMetrics(ctx, h.config.Metrics)
			if err != nil {
				return err
			}
			return h.metrics.serve(ctx, l, h.operatorPage())
		})
	}
	group.Go(func() error { <-ctx.Done(); return h.close() })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func newLogger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}

// removeAddress takes back what listen wrote down.
func removeAddress(dir string) error {
	if err := os.Remove(filepath.Join(dir, addressFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove address: %w", err)
	}
	return nil
}
