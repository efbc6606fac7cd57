package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/reference/samplebank"
)

type samplebankCmd struct {
	Data   string   `help:"Data directory of the gateway, for certificates." default:"./sluice-data" env:"SLUICE_DATA" type:"path"`
	Bank   string   `arg:"" help:"Which bank: labe, morava, odra or vltava."`
	Listen string   `help:"Address to serve BankService on; port 0 takes a free one." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	Host   []string `help:"Name or address the bank serves under, besides localhost."`
}

func (c *samplebankCmd) Help() string {
	return `Serves one of the sample banks, with real transactions, as a process of its own.
It prints its address, under which it must be registered.

Example:
  sluice samplebank morava --listen 127.0.0.1:9001 &
  sluice bank add morava --name "Banka Morava" --address 127.0.0.1:9001`
}

// Run serves until an interrupt.
func (c *samplebankCmd) Run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	ca, err := openAuthority(c.Data)
	if err != nil {
		return err
	}
	data, err := samplebank.Load()
	if err != nil {
		return fmt.Errorf("load sample data: %w", err)
	}
	b, err := serveSampleBank(ctx, data, ca, c.Bank, c.Listen, c.Host...)
	if err != nil {
		return err
	}
	fmt.Println(b.address)
	<-ctx.Done()
	b.server.GracefulStop()
	return nil
}

// sampleBank is a running sample bank.
type sampleBank struct {
	id, name, address string
	server            *grpc.Server
}

func serveSampleBank(ctx context.Context, data *samplebank.Data, ca *devca.Authority, id, address string, hosts ...string) (sampleBank, error) {
	bank, err := samplebank.New(data, id, time.Now)
	if err != nil {
		return sampleBank{}, fmt.Errorf("open bank: %w", err)
	}
	cert, err := ca.Issue(authn.Identity{Kind: authn.Bank, ID: id}, time.Now(), hosts...)
	if err != nil {
		return sampleBank{}, fmt.Errorf("certificate of bank: %w", err)
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return sampleBank{}, fmt.Errorf("listen for bank: %w", err)
	}
	server := grpc.NewServer(grpc.Creds(authn.ServerCredentials(cert, ca.Roots(), gatewayOnly{})))
	bank.Register(server)
	go func() { _ = server.Serve(l) }() // ends with the server
	return sampleBank{id: id, name: bank.Name(), address: l.Addr().String(), server: server}, nil
}

// gatewayOnly lets nobody but the gateway call a bank.
type gatewayOnly struct{}

func (gatewayOnly) Registered(_ context.Context, id authn.Identity) (bool, error) {
	return id.Kind == authn.Gateway, nil
}
