package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"sluice/reference/messenger"
)

type messengerCmd struct {
	connection
	As         string   `help:"The partner that it is." default:"messenger"`
	Listen     string   `help:"Address to serve the chat on; port 0 takes a free one." default:"127.0.0.1:9447" placeholder:"HOST:PORT"`
	URL        string   `help:"Address under which browsers reach it, if not the one listened on." placeholder:"URL"`
	GatewayURL string   `help:"The authorization server, as customers reach it." required:"" placeholder:"URL"`
	MTLSURL    string   `help:"The authorization server for clients that show a certificate." name:"mtls-url" required:"" placeholder:"URL"`
	Dashboard  string   `help:"The customers' pages, if not at the authorization server." placeholder:"URL"`
	Bank       []string `help:"A bank that customers can connect, by id and name; may be given again." required:"" sep:"none" placeholder:"ID=NAME"`
	LogLevel   string   `help:"Least level to log: debug, info, warn or error." default:"warn" placeholder:"LEVEL"`
}

func (c *messengerCmd) Help() string {
	return `Serves the reference messenger, a partner's chat, as a process of its own: customers
connect banks, ask what they have, answer alerts and write to their bank. It prints
its address and where customers come back to, as it must be registered. It keeps
nothing on disk.

Examples:
  sluice partner add messenger --name Messenger --redirect http://127.0.0.1:9447/done --tls
  sluice certificate partner messenger
  sluice messenger --gateway-url https://localhost:8444 --mtls-url https://localhost:8445 \
    --bank morava="Banka Morava" --bank odra="Banka Odra"`
}

// Run serves until an interrupt.
func (c *messengerCmd) Run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	banks, err := offered(c.Bank)
	if err != nil {
		return err
	}
	logger, err := newLogger(c.LogLevel)
	if err != nil {
		return err
	}
	site, err := listenMessenger(ctx, c.Listen, c.URL)
	if err != nil {
		return err
	}
	place := messengerPlace{
		partner: c.As, issuer: strings.TrimSuffix(c.GatewayURL, "/"), mtls: strings.TrimSuffix(c.MTLSURL, "/"),
		dashboard: c.Dashboard, banks: banks, log: logger,
	}
	err = site.open(ctx, &c.connection, place)
	if err == nil {
		fmt.Printf("%s\n%s\n", site.url, site.redirect())
		<-ctx.Done()
	}
	return errors.Join(err, site.close())
}

// offered reads the banks that customers are offered.
func offered(given []string) ([]messenger.Bank, error) {
	var banks []messenger.Bank
	for _, g := range given {
		id, name, named := strings.Cut(g, "=")
		if id == "" || !named || name == "" {
			return nil, fmt.Errorf("--bank is %q; write ID=NAME", g)
		}
		banks = append(banks, messenger.Bank{ID: id, Name: name})
	}
	return banks, nil
}
