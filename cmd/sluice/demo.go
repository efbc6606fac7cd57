package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/consent"
	"sluice/reference/samplebank"
	"sluice/registry"
)

// demoOptions are what demo and tour have in common.
type demoOptions struct {
	Data   string `help:"Data directory; a fresh temporary one if not given." type:"path"`
	Listen string `help:"Address to serve gRPC on; port 0 takes a free one." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	Web    string `help:"Address to serve the customer's pages on." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	Log    string `help:"Write the gateway's log to this file; nowhere if not given." type:"path"`
}

type demoCmd struct {
	demoOptions
}

func (c *demoCmd) Help() string {
	return `Starts a whole gateway in one process, with four sample banks and real
transactions, walks through the tour with real calls, and stays up until Ctrl-C.

Examples:
  sluice demo
  sluice demo --data ./demo-data --listen 127.0.0.1:8443 --log gateway.log`
}

// Run stays up until an interrupt.
func (c *demoCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout, true) }

type tourCmd struct {
	demoOptions
}

func (c *tourCmd) Help() string {
	return `Does what demo does and exits: 0 if every step came out as it should.

Example:
  sluice tour`
}

// Run exits after the tour.
func (c *tourCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout, false) }

func (c *demoOptions) run(ctx context.Context, out io.Writer, stay bool) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, cleanup, err := c.directory()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanup()) }()
	logger, closeLog, err := c.logger()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()

	d, err := startDemo(ctx, dir, c.Listen, c.Web, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close(dir)) }()
	if err := runTour(ctx, d.target(dir), out); err != nil {
		return fmt.Errorf("tour: %w", err)
	}
	if !stay {
		return nil
	}
	d.printAddresses(out, dir, c.Data == "")
	feeds, err := d.openFeeds(ctx, &connection{Data: dir, Gateway: d.address}, tellAnswer(out))
	defer func() {
		for _, f := range feeds {
			err = errors.Join(err, f.close())
		}
	}()
	if err != nil {
		return err
	}
	if err := feeds[tourBank].replay(ctx, samplebank.Replay{Accounts: []string{tourCurrent, tourCard}, Days: demoDays, Speed: demoSpeed}); err != nil && ctx.Err() == nil {
		return err
	}
	<-ctx.Done()
	fmt.Fprintln(out, "\nstopping")
	return nil
}

// So many days are replayed once the tour is over, a day in ten seconds; the data
// may be four weeks old, and all of it is to be within a look-back of 90 days.
const (
	demoDays  = tourLookBack - 28
	demoSpeed = 24 * 60 * 60 / 10
)

// target is what the tour walks through.
func (d *demo) target(dir string) tourTarget {
	return tourTarget{gateway: d.address, data: dir, site: d.partner.url(), pages: d.house.front.url, teller: d.bank(tellingBank)}
}

func (d *demo) bank(id string) sampleBank {
	i := slices.IndexFunc(d.banks, func(b sampleBank) bool { return b.id == id })
	return d.banks[i]
}

// directory is the data directory, and what to do with it afterwards.
func (c *demoOptions) directory() (string, func() error, error) {
	if c.Data != "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return "", nil, fmt.Errorf("make data directory: %w", err)
		}
		return c.Data, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "sluice-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make data directory: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

func (c *demoOptions) logger() (*slog.Logger, func() error, error) {
	if c.Log == "" {
		return slog.New(slog.DiscardHandler), func() error { return nil }, nil
	}
	f, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open log: %w", err)
	}
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug})), f.Close, nil
}

// demo is a gateway with its sample banks and a partner's site, all in this process.
type demo struct {
	house   *house
	banks   []sampleBank
	partner *demoPartner
	address string
	stop    context.CancelFunc
}

func startDemo(ctx context.Context, dir, listen, web string, logger *slog.Logger) (*demo, error) {
	ca, err := openAuthority(dir)
	if err != nil {
		return nil, err
	}
	c := defaultConfig()
	c.Data, c.Listen, c.Reflection = dir, listen, true
	c.Web = webConfig{Listen: web, MTLSListen: "127.0.0.1:0", Operator: "the operator of this demo", PrivateAddresses: true}
	h, err := openHouse(ctx, c, ca, logger)
	if err != nil {
		return nil, err
	}
	sweeping, stop := context.WithCancel(ctx)
	d := &demo{house: h, stop: stop}
	if err := d.populate(ctx, ca); err != nil {
		return nil, errors.Join(err, d.close(dir))
	}
	if d.address, err = h.listen(ctx); err != nil {
		return nil, errors.Join(err, d.close(dir))
	}
	if err := d.partner.open(h.front, tourTarget{gateway: d.address, data: dir}); err != nil {
		return nil, errors.Join(err, d.close(dir))
	}
	go h.sweep(sweeping)
	go h.carry(sweeping)
	return d, nil
}

// populate registers two partners, one with a site, and starts and registers the
// sample banks.
func (d *demo) populate(ctx context.Context, ca *devca.Authority) error {
	var err error
	if d.partner, err = newDemoPartner(ctx, tourPartner); err != nil {
		return err
	}
	for _, p := range []registry.Partner{
		{ID: tourPartner, Name: "Messenger", Client: registry.Client{
			Authentication: registry.TLS, RedirectURIs: []string{d.partner.config().RedirectURL},
		}},
		{ID: "wallet", Name: "Wallet"},
	} {
		p.Standing, p.Access = registry.Active, registry.ByCertificate
		if _, err := ca.Issue(authn.Identity{Kind: authn.Partner, ID: string(p.ID)}, time.Now()); err != nil {
			return fmt.Errorf("certificate of partner: %w", err)
		}
		if err := d.house.registry.PutPartner(ctx, p); err != nil {
			return fmt.Errorf("register partner: %w", err)
		}
	}
	data, err := samplebank.Load()
	if err != nil {
		return fmt.Errorf("load sample data: %w", err)
	}
	for _, id := range samplebank.Banks() {
		b, err := serveSampleBank(ctx, data, ca, sampleBankPlace{
			id: id, listen: "127.0.0.1:0", loginListen: "127.0.0.1:0", gatewayURL: d.house.front.url, clientID: "sluice",
		})
		if err != nil {
			return err
		}
		d.banks = append(d.banks, b)
		if err := d.house.registry.PutBank(ctx, registry.Bank{
			ID: consent.BankID(b.id), Name: b.name, Standing: registry.Active, Address: b.address,
			Login: registry.Login{Issuer: b.login, ClientID: b.clientID},
		}); err != nil {
			return fmt.Errorf("register bank: %w", err)
		}
	}
	return nil
}

// openFeeds lets each bank publish, above all what it writes to its customers. What
// is open is to be closed also if it fails.
func (d *demo) openFeeds(ctx context.Context, c *connection, told func(samplebank.Answered)) (map[string]*sampleFeed, error) {
	open := map[string]*sampleFeed{}
	for _, b := range d.banks {
		f, err := openSampleFeed(ctx, c, b, told)
		if err != nil {
			return open, err
		}
		open[b.id] = f
	}
	return open, nil
}

func (d *demo) close(dir string) error {
	d.stop()
	err := d.house.close()
	if d.partner != nil {
		err = errors.Join(err, d.partner.close())
	}
	for _, b := range d.banks {
		err = errors.Join(err, b.stop())
	}
	return errors.Join(err, removeAddress(dir))
}

func (d *demo) printAddresses(out io.Writer, dir string, temporary bool) {
	pki := filepath.Join(dir, "pki")
	end := "Ctrl-C stops it all; the data directory stays."
	if temporary {
		end = "Ctrl-C stops it all, and removes the data directory."
	}
	fmt.Fprintf(out, "\nThe gateway is at %s, with reflection; its data and certificates are in %s.\n\n", d.address, dir)
	for _, b := range d.banks {
		fmt.Fprintf(out, "  bank %-8s %-14s %s\n", b.id, b.name, b.address)
	}
	fmt.Fprintf(out, `
Open in a browser, as the customer. The certificates of pages and bank are of this demo's
own authority: let %[2]s/ca.crt be trusted, or tell the browser, once for each, to go on.
  %[4]s/connect/%[5]s   Messenger asks for data; log in as %[6]s, password %[7]s, code %[8]s
  %[9]s   what you share, and what was read

Try, in another terminal, in the project's folder ("make tools" builds grpcurl into .bin):
  export SLUICE_DATA=%[1]s
  bin/sluice bank list
  bin/sluice consent list --bank morava --customer 9593
  bin/sluice events subscribe   # what %[11]s publishes, a day in ten seconds, for whom Messenger has a consent
  .bin/grpcurl -cacert %[2]s/ca.crt -cert %[2]s/partner-messenger.crt -key %[2]s/partner-messenger.key %[3]s list

%[10]s
`, dir, pki, d.address, d.partner.url(), tourBank, tourCustomer, samplebank.Password, samplebank.Code, d.house.front.url, end, d.bank(tourBank).name)
}
