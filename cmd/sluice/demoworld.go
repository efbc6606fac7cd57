package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/consent"
	"sluice/reference/messenger"
	"sluice/reference/samplebank"
	"sluice/registry"
)

// demoChat is the partner that the reference messenger is. The tour's own calls are
// of another one: of a partner's streams, each event goes to one alone.
const demoChat = "chat"

// demo is a gateway with its sample banks and the messenger, all in this process.
type demo struct {
	house    *house
	banks    []sampleBank
	feeds    map[string]*sampleFeed // of the banks
	answers  chan samplebank.Answered
	chat     *messengerSite
	operator net.Listener
	address  string
	stop     context.CancelFunc
}

// tourEvery is how often the tour's bank asks what became of consents, so that nobody
// need wait for it.
const tourEvery = 250 * time.Millisecond

// startDemo starts everything. What runs when it fails is ended.
func startDemo(ctx context.Context, dir, listen, web string, logger *slog.Logger) (*demo, error) {
	ca, err := openAuthority(dir)
	if err != nil {
		return nil, err
	}
	c := defaultConfig()
	c.Data, c.Listen, c.Reflection = dir, listen, true
	c.Web = webConfig{Listen: web, MTLSListen: "127.0.0.1:0", Operator: "Sluice Demo", PrivateAddresses: true}
	h, err := openHouse(ctx, c, ca, logger)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	d := &demo{house: h, stop: stop, feeds: map[string]*sampleFeed{}, answers: make(chan samplebank.Answered, 16)}
	if err := d.start(running, ca, dir); err != nil {
		return nil, errors.Join(err, d.close(dir))
	}
	return d, nil
}

func (d *demo) start(ctx context.Context, ca *devca.Authority, dir string) error {
	var err error
	if d.chat, err = listenMessenger(ctx, "127.0.0.1:0", ""); err != nil {
		return err
	}
	if err := d.addPartners(ctx, ca); err != nil {
		return err
	}
	if err := d.addBanks(ctx, ca); err != nil {
		return err
	}
	if d.operator, err = listenMetrics(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	if d.address, err = d.house.listen(ctx); err != nil {
		return err
	}
	go d.house.sweep(ctx)
	go d.house.carry(ctx)
	go func() { _ = d.house.metrics.serve(ctx, d.operator, d.house.operatorPage()) }() // ends with ctx
	here := &connection{Data: dir, Gateway: d.address}
	if err := d.openBanks(ctx, here); err != nil {
		return err
	}
	place := messengerPlace{partner: demoChat, issuer: d.house.front.url, mtls: d.house.front.mtlsURL, log: d.house.logger}
	for _, b := range d.banks {
		place.banks = append(place.banks, messenger.Bank{ID: b.id, Name: b.name})
	}
	return d.chat.open(ctx, here, place)
}

// addPartners registers the messenger, and two partners without pages.
func (d *demo) addPartners(ctx context.Context, ca *devca.Authority) error {
	for _, p := range []registry.Partner{
		{ID: tourPartner, Name: "Messenger", Access: registry.ByCertificate},
		{ID: "wallet", Name: "Wallet", Access: registry.ByCertificate},
		{ID: demoChat, Name: "Messenger Chat", Access: registry.ByToken, Client: registry.Client{
			Authentication: registry.TLS, RedirectURIs: []string{d.chat.redirect()},
		}},
	} {
		p.Standing = registry.Active
		if _, err := ca.Issue(authn.Identity{Kind: authn.Partner, ID: string(p.ID)}, time.Now()); err != nil {
			return fmt.Errorf("certificate of partner: %w", err)
		}
		if err := d.house.registry.PutPartner(ctx, p); err != nil {
			return fmt.Errorf("register partner: %w", err)
		}
	}
	return nil
}

// addBanks starts the sample banks and registers them.
func (d *demo) addBanks(ctx context.Context, ca *devca.Authority) error {
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

// openBanks lets the banks publish, and gives the tour's a desk.
func (d *demo) openBanks(ctx context.Context, c *connection) error {
	for i := range d.banks {
		b := &d.banks[i]
		f, err := connectSampleFeed(c, *b)
		if err != nil {
			return err
		}
		d.feeds[b.id] = f
		if b.id == tourBank {
			f.every = tourEvery
		}
		f.begin(ctx, d.answered)
		if b.id != tourBank {
			continue
		}
		if err := b.serveDesk(ctx, f, sampleDesk{listen: "127.0.0.1:0", agents: []string{"Jana", "Petr"}, questions: true}); err != nil {
			return err
		}
	}
	return nil
}

// answered keeps what a customer answered to an alert for who tells of it. It is the
// gateway's call, which does not wait for that.
func (d *demo) answered(a samplebank.Answered) {
	select {
	case d.answers <- a:
	default:
	}
}

func (d *demo) bank(id string) sampleBank {
	for _, b := range d.banks {
		if b.id == id {
			return b
		}
	}
	return sampleBank{}
}

// target is what the tour walks through.
func (d *demo) target(dir string) tourTarget {
	return tourTarget{
		gateway: d.address, data: dir, chat: d.chat.url, pages: d.house.front.url, desk: d.bank(tourBank).desk,
		teller: d.feeds[tellingBank], answers: d.answers,
	}
}

func (d *demo) close(dir string) error {
	var errs []error
	if d.chat != nil {
		errs = append(errs, d.chat.close())
	}
	for _, f := range d.feeds {
		errs = append(errs, f.close())
	}
	d.stop()
	errs = append(errs, d.house.close())
	for _, b := range d.banks {
		errs = append(errs, b.stop())
	}
	return errors.Join(append(errs, removeAddress(dir))...)
}

func (d *demo) printAddresses(out io.Writer, dir string, temporary bool) {
	end := "Ctrl-C stops it all; the data directory stays."
	if temporary {
		end = "Ctrl-C stops it all, and removes the data directory."
	}
	fmt.Fprintf(out, "\nThe gateway is at %s, with reflection; its data and certificates are in %s.\n\n", d.address, dir)
	for _, b := range d.banks {
		fmt.Fprintf(out, "  bank %-8s %-14s %s\n", b.id, b.name, b.address)
	}
	bank := d.bank(tourBank)
	fmt.Fprintf(out, `
Open in a browser:
  messenger           %s   connect %s: log in as %s, password %s, code %s
  consent dashboard   %s   what you share, and what was read
  agent's desk        %s   %s answers its customers
  operator            http://%s   who takes part, and metrics
The dashboard, the banks' logins and the desk have certificates of this demo's own authority:
let %s/ca.crt be trusted, or tell the browser, once for each, to go on.

Try, in another terminal, in the project's folder:
  export SLUICE_DATA=%s
  bin/sluice bank list
  bin/sluice consent list --bank morava --customer 9593
  bin/sluice events subscribe   # what %s publishes, a day in ten seconds, for whom Messenger has a consent

%s
`, d.chat.url, bank.name, tourCustomer, samplebank.Password, samplebank.Code, d.house.front.url, bank.desk, bank.name,
		d.operator.Addr(), filepath.Join(dir, "pki"), dir, bank.name, end)
}
