package main

import (
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
)

// addressFile, in the data directory, tells local clients where the gateway listens.
const addressFile = "gateway.addr"

type serveCmd struct {
	Data       string `help:"Data directory; made if it is not there." default:"./sluice-data" env:"SLUICE_DATA" type:"path"`
	Listen     string `help:"Address to serve gRPC on." default:"127.0.0.1:8443" placeholder:"HOST:PORT"`
	Metrics    string `help:"Address to serve Prometheus metrics on; none if empty." placeholder:"HOST:PORT"`
	Reflection bool   `help:"Answer gRPC reflection to authenticated callers."`
	LogLevel   string `help:"Least level to log: ${enum}." enum:"debug,info,warn,error" default:"info"`
}

func (c *serveCmd) Help() string {
	return `Serves the gateway until it is interrupted, then lets calls under way end.

Examples:
  sluice serve --data /var/lib/sluice --listen 0.0.0.0:8443 --metrics 127.0.0.1:9090
  sluice partner add messenger --name Messenger && sluice certificate partner messenger`
}

// Run serves until an interrupt.
func (c *serveCmd) Run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger, err := newLogger(c.LogLevel)
	if err != nil {
		return err
	}
	ca, err := openAuthority(c.Data)
	if err != nil {
		return err
	}
	h, err := openHouse(ctx, c.Data, ca, c.Reflection, logger)
	if err != nil {
		return err
	}
	address, err := h.listen(ctx, c.Data, c.Listen)
	if err != nil {
		return errors.Join(err, h.close())
	}
	logger.InfoContext(ctx, "serving", "address", address, "data", c.Data)
	return h.run(ctx, c.Metrics)
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

// listen begins to serve and writes down where.
func (h *house) listen(ctx context.Context, dir, address string) (string, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	bound := l.Addr().String()
	if err := os.WriteFile(filepath.Join(dir, addressFile), []byte(bound+"\n"), 0o600); err != nil {
		return "", errors.Join(fmt.Errorf("write down the address: %w", err), l.Close())
	}
	go func() {
		if err := h.server.Serve(l); err != nil {
			h.logger.Error("serve", "error", err)
		}
	}()
	h.health.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	return bound, nil
}

// run serves until ctx is done, then closes the house.
func (h *house) run(ctx context.Context, metricsAddress string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { h.sweep(ctx); return nil })
	if metricsAddress != "" {
		group.Go(func() error { return h.metrics.serve(ctx, metricsAddress) })
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
