package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/authn/keyset"
	"sluice/reference/samplebank"
)

type samplebankCmd struct {
	Data        string   `help:"Data directory of the gateway, for certificates." default:"./sluice-data" env:"SLUICE_DATA" type:"path"`
	Bank        string   `arg:"" help:"Which bank: labe, morava, odra or vltava."`
	Listen      string   `help:"Address to serve BankService on; port 0 takes a free one." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	LoginListen string   `help:"Address to serve the customers' login on; port 0 takes a free one." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	LoginURL    string   `help:"Address under which browsers and the gateway reach the login, if not the one listened on." placeholder:"URL"`
	GatewayURL  string   `help:"Address of the gateway's pages, which customers log in for. No login is served without it." placeholder:"URL"`
	ClientID    string   `help:"The gateway's client id at this bank." default:"sluice"`
	Host        []string `help:"Name or address the bank serves under, besides localhost."`

	DeskListen string   `help:"Address to serve the agents' desk on, for a browser on this machine: nobody is asked for a password. No desk is served without it." placeholder:"HOST:PORT"`
	Agent      []string `help:"Name of an agent who may sit at the desk; may be given again." default:"Jana,Petr"`
	Questions  bool     `help:"Put sample questions of a public data set into the desk's queue."`

	Publish []string `help:"Publish the past of this account as if it happened now; may be given again." placeholder:"ACCOUNT"`
	Days    int      `help:"How many days of it, of the newest." default:"90"`
	Speed   float64  `help:"How many times faster than it happened; 0 is at once." default:"8640"`
	Gateway string   `help:"The gateway's address, to publish and for the desk; from the data directory if not given." env:"SLUICE_GATEWAY" placeholder:"HOST:PORT"`
}

func (c *samplebankCmd) Help() string {
	return `Serves one of the sample banks, with real transactions, as a process of its own.
It prints its address, under which it must be registered; and, if it knows the
gateway's, the issuer of its login, which customers of the bank log in at. With
--publish it sends transactions, balances and alerts, and prints what customers
answer to alerts. With the same --days it goes on where it was. With --desk-listen
its agents have a desk, where they answer customers and see consents.

Examples:
  sluice samplebank morava --listen 127.0.0.1:9001 &
  sluice bank add morava --name "Banka Morava" --address 127.0.0.1:9001
  sluice samplebank morava --publish A7753 --publish C1005 --speed 86400
  sluice samplebank morava --desk-listen 127.0.0.1:9446 --questions
  sluice samplebank odra --login-listen 127.0.0.1:9445 --gateway-url https://localhost:8444`
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
	b, err := serveSampleBank(ctx, data, ca, sampleBankPlace{
		id: c.Bank, listen: c.Listen, hosts: c.Host,
		loginListen: c.LoginListen, loginURL: c.LoginURL, gatewayURL: c.GatewayURL, clientID: c.ClientID,
	})
	if err != nil {
		return err
	}
	fmt.Println(b.address)
	if b.login != "" {
		fmt.Println(b.login)
	}
	err = c.work(ctx, &b)
	if err == nil {
		<-ctx.Done()
	}
	b.server.GracefulStop()
	return errors.Join(err, b.stop())
}

// work connects the bank to the gateway if there is a reason to, opens its desk
// and replays what was chosen. With a gateway it returns when ctx is done.
func (c *samplebankCmd) work(ctx context.Context, b *sampleBank) error {
	if len(c.Publish) == 0 && c.DeskListen == "" {
		return nil
	}
	f, err := connectSampleFeed(&connection{Data: c.Data, Gateway: c.Gateway}, *b)
	if err != nil {
		return err
	}
	err = c.workWith(ctx, b, f)
	if ctx.Err() != nil {
		err = nil // it was to end
	}
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, f.close())
}

func (c *samplebankCmd) workWith(ctx context.Context, b *sampleBank, f *sampleFeed) error {
	if c.DeskListen != "" {
		if err := b.serveDesk(ctx, f, sampleDesk{listen: c.DeskListen, hosts: c.Host, agents: c.Agent, questions: c.Questions}); err != nil {
			return err
		}
		fmt.Println(b.desk)
		if err := f.registered(ctx); err != nil {
			return err
		}
	}
	f.begin(ctx, tellAnswer(os.Stdout))
	if len(c.Publish) == 0 {
		return nil
	}
	return f.replay(ctx, samplebank.Replay{Accounts: c.Publish, Days: c.Days, Speed: c.Speed})
}

// sampleBankPlace says which sample bank serves where, and for which gateway.
type sampleBankPlace struct {
	id, listen string
	hosts      []string // besides localhost
	// Without gatewayURL the bank has no login.
	loginListen, loginURL, gatewayURL, clientID string
}

// sampleBank is a running sample bank.
type sampleBank struct {
	id, name, address string
	bank              *samplebank.Bank
	login, clientID   string // the issuer of its login, and the gateway's name there; empty without
	desk              string // the address of its agents' desk; empty without
	server            *grpc.Server
	cert              tls.Certificate
	sites             []*http.Server // login and desk
}

// stop ends a bank at once.
func (b sampleBank) stop() error {
	b.server.Stop()
	var errs []error
	for _, site := range b.sites {
		if err := site.Close(); err != nil {
			errs = append(errs, fmt.Errorf("stop pages: %w", err))
		}
	}
	return errors.Join(errs...)
}

func serveSampleBank(ctx context.Context, data *samplebank.Data, ca *devca.Authority, p sampleBankPlace) (sampleBank, error) {
	bank, err := samplebank.New(data, p.id, time.Now)
	if err != nil {
		return sampleBank{}, fmt.Errorf("open bank: %w", err)
	}
	cert, err := ca.Issue(authn.Identity{Kind: authn.Bank, ID: p.id}, time.Now(), p.hosts...)
	if err != nil {
		return sampleBank{}, fmt.Errorf("certificate of bank: %w", err)
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", p.listen)
	if err != nil {
		return sampleBank{}, fmt.Errorf("listen for bank: %w", err)
	}
	b := sampleBank{id: p.id, name: bank.Name(), address: l.Addr().String(), bank: bank, cert: cert}
	if p.gatewayURL != "" {
		if err := b.serveLogin(ctx, ca, p); err != nil {
			return sampleBank{}, errors.Join(err, l.Close())
		}
	}
	b.server = grpc.NewServer(grpc.Creds(authn.ServerCredentials(cert, ca.Roots(), gatewayOnly{})))
	bank.Register(b.server)
	go func() { _ = b.server.Serve(l) }() // ends with the server
	return b, nil
}

// serveLogin serves the bank's login over TLS, with the bank's own certificate.
func (b *sampleBank) serveLogin(ctx context.Context, ca *devca.Authority, p sampleBankPlace) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", p.loginListen)
	if err != nil {
		return fmt.Errorf("listen for login: %w", err)
	}
	b.login, b.clientID = p.loginURL, p.clientID
	if b.login == "" {
		b.login = "https://" + reachable(l.Addr())
	}
	handler, err := samplebank.NewLogin(b.bank, samplebank.LoginConfig{
		Issuer: b.login, ClientID: p.clientID,
		RedirectURIs: []string{p.gatewayURL + "/login/callback"}, JWKSURL: p.gatewayURL + "/jwks",
		// The gateway of a demonstration is on this machine.
		HTTPClient: keyset.NewClient(keyset.Config{Roots: ca.Roots(), Private: true, Now: time.Now}),
		Now:        time.Now,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("open login: %w", err), l.Close())
	}
	b.serve(l, handler)
	return nil
}

// reachable is the address of a listener as others on this machine reach it.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return fmt.Sprintf("localhost:%d", tcp.Port)
}

// gatewayOnly lets nobody but the gateway call a bank.
type gatewayOnly struct{}

func (gatewayOnly) Registered(_ context.Context, id authn.Identity) (bool, error) {
	return id.Kind == authn.Gateway, nil
}
