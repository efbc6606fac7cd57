// Command sluice is the whole product in one program: the gateway, its
// demonstration, and clients for partners, customers' banks and operators.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

type program struct {
	Demo         demoCmd         `cmd:"" help:"Start everything here, take the tour, and stay up."`
	Tour         tourCmd         `cmd:"" help:"Start everything here, take the tour, and exit."`
	Serve        serveCmd        `cmd:"" help:"Serve the gateway."`
	Migrate      migrateCmd      `cmd:"" help:"Bring a PostgreSQL database up to date, as its owner."`
	Consent      consentCmd      `cmd:"" help:"Ask for consents, give them, change them, look at them."`
	Pull         pullCmd         `cmd:"" help:"Pull data as a partner."`
	Events       eventsCmd       `cmd:"" help:"Receive what banks publish, as a partner."`
	Alerts       alertsCmd       `cmd:"" help:"Show fraud alerts and answer them, as a partner."`
	Conversation conversationCmd `cmd:"" help:"Talk with a customer's bank, as a partner."`
	Feed         feedCmd         `cmd:"" help:"Show operators how feeds stand, and what was put aside."`
	Partner      partnerCmd      `cmd:"" help:"Register, list, suspend and reinstate partners."`
	Bank         bankCmd         `cmd:"" help:"Register, list, suspend and reinstate banks."`
	Receipt      receiptCmd      `cmd:"" help:"Verify customers' receipts of consents."`
	Certificate  certificateCmd  `cmd:"" help:"Issue a development certificate."`
	Samplebank   samplebankCmd   `cmd:"" help:"Serve a sample bank with real transactions."`
	Messenger    messengerCmd    `cmd:"" help:"Serve the reference messenger, a partner's chat."`
}

func main() {
	var p program
	parsed, err := newParser(&p).Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "sluice: %v\n", err)
		var usage *kong.ParseError
		if errors.As(err, &usage) && usage.Context != nil {
			fmt.Fprintf(os.Stderr, "Run \"%s --help\" for more.\n", usage.Context.Model.Name)
		}
		os.Exit(2)
	}
	if err := parsed.Run(); err != nil {
		printError(os.Stderr, err)
		os.Exit(1)
	}
}

func newParser(p *program) *kong.Kong {
	return kong.Must(p,
		kong.Name("sluice"),
		kong.Description("A consent-gated gateway for open-banking data."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(context.Background(), (*context.Context)(nil)),
	)
}
