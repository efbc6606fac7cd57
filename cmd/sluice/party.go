package main

import (
	"context"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"sluice/authn"
	operatorv1 "sluice/gen/sluice/operator/v1"
)

// byOperator is what every command of an operator needs.
type byOperator struct {
	connection
	Operator string `help:"The operator." default:"ops"`
	JSON     bool   `help:"Print JSON."`
}

func operatorCall[Q, R any](ctx context.Context, c *byOperator,
	method func(operatorv1.RegistryServiceClient, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	return call(ctx, &c.connection, authn.Operator, c.Operator, operatorv1.NewRegistryServiceClient, method, request)
}

func (c *byOperator) print(answer proto.Message, parties ...*operatorv1.Party) error {
	if c.JSON {
		return printJSON(os.Stdout, answer)
	}
	var rows [][]string
	for _, p := range parties {
		rows = append(rows, []string{p.GetPartyId(), p.GetDisplayName(), shortName(p.GetStanding()), reached(p)})
	}
	return table(os.Stdout, "ID|NAME|STANDING|CALLS OR IS CALLED", rows)
}

// reached says how a partner calls, or where a bank is called and logs customers in.
func reached(p *operatorv1.Party) string {
	if p.GetAccess() == operatorv1.PartnerAccess_PARTNER_ACCESS_UNSPECIFIED {
		how := p.GetAddress()
		if issuer := p.GetLogin().GetIssuer(); issuer != "" {
			how += ", login " + issuer
		}
		if pass := passing(p.GetChat()); pass != "" {
			how += ", in conversations lets pass " + pass
		}
		return how
	}
	how := "by " + strings.ToLower(shortName(p.GetAccess()))
	if c := p.GetClient(); c != nil {
		how += ", client by " + strings.ToLower(shortName(c.GetAuthentication())) + ", back to " + strings.Join(c.GetRedirectUris(), " ")
	}
	return how
}

type partnerCmd struct {
	Add       partnerAddCmd       `cmd:"" help:"Register a partner, or rename it."`
	List      partnerListCmd      `cmd:"" help:"List the partners."`
	Suspend   partnerSuspendCmd   `cmd:"" help:"Release nothing to a partner for now."`
	Reinstate partnerReinstateCmd `cmd:"" help:"Lift a suspension."`

	RotateKeys partnerRotateKeysCmd `cmd:"" help:"Replace the public keys of a partner's client."`
}

type partnerListCmd struct{ byOperator }

func (c *partnerListCmd) Help() string { return "Example:\n  sluice partner list" }

// Run lists the partners.
func (c *partnerListCmd) Run(ctx context.Context) error {
	got, err := operatorCall(ctx, &c.byOperator, operatorv1.RegistryServiceClient.ListPartners, &operatorv1.ListPartnersRequest{})
	if err != nil {
		return err
	}
	return c.print(got, got.GetPartners()...)
}

type partnerSuspendCmd struct {
	byOperator
	ID string `arg:"" help:"The partner's id."`
}

func (c *partnerSuspendCmd) Help() string { return "Example:\n  sluice partner suspend messenger" }

// Run suspends the partner.
func (c *partnerSuspendCmd) Run(ctx context.Context) error {
	return setPartner(ctx, &c.byOperator, c.ID, operatorv1.Standing_STANDING_SUSPENDED)
}

type partnerReinstateCmd struct {
	byOperator
	ID string `arg:"" help:"The partner's id."`
}

func (c *partnerReinstateCmd) Help() string { return "Example:\n  sluice partner reinstate messenger" }

// Run lifts the suspension.
func (c *partnerReinstateCmd) Run(ctx context.Context) error {
	return setPartner(ctx, &c.byOperator, c.ID, operatorv1.Standing_STANDING_ACTIVE)
}

func setPartner(ctx context.Context, c *byOperator, id string, s operatorv1.Standing) error {
	got, err := operatorCall(ctx, c, operatorv1.RegistryServiceClient.SetPartnerStanding,
		&operatorv1.SetPartnerStandingRequest{PartnerId: id, Standing: s})
	if err != nil {
		return err
	}
	return c.print(got, got.GetPartner())
}

type bankCmd struct {
	Add       bankAddCmd       `cmd:"" help:"Register a bank, or change its name or address."`
	List      bankListCmd      `cmd:"" help:"List the banks."`
	Suspend   bankSuspendCmd   `cmd:"" help:"Release nothing of a bank for now."`
	Reinstate bankReinstateCmd `cmd:"" help:"Lift a suspension."`
	Consents  bankConsentsCmd  `cmd:"" help:"Look after the consents about a bank's data, as the bank."`
	Publish   bankPublishCmd   `cmd:"" help:"Publish what happened on accounts, as the bank."`
}

type bankAddCmd struct {
	byOperator
	ID      string `arg:"" help:"The bank's id."`
	Name    string `help:"Its name, as customers see it." required:""`
	Address string `help:"Where it serves BankService." required:"" placeholder:"HOST:PORT"`
	Login   string `help:"Issuer of the OpenID provider where it logs its customers in." placeholder:"URL"`
	Client  string `help:"The gateway's client_id there." default:"sluice" placeholder:"ID"`

	ChatPass []string `help:"What passes unmasked in conversations: ${enum}." enum:"accounts,cards,codes,nothing" placeholder:"WHAT,..."`
}

func (c *bankAddCmd) Help() string {
	return `Without --login the bank's customers decide in the bank's own app only.

In conversations, numbers of accounts and cards, and one-time codes, are masked
unless the bank lets them pass. --chat-pass=nothing takes all of it back.

Examples:
  sluice bank add morava --name "Banka Morava" --address 127.0.0.1:9001 --login https://login.morava.example
  sluice bank add morava --name "Banka Morava" --address 127.0.0.1:9001 --chat-pass accounts,cards`
}

// Run registers the bank.
func (c *bankAddCmd) Run(ctx context.Context) error {
	request := &operatorv1.RegisterBankRequest{BankId: c.ID, DisplayName: c.Name, Address: c.Address}
	if c.Login != "" {
		request.Login = &operatorv1.BankLogin{Issuer: c.Login, ClientId: c.Client}
	}
	request.Chat = chatRules(c.ChatPass)
	got, err := operatorCall(ctx, &c.byOperator, operatorv1.RegistryServiceClient.RegisterBank, request)
	if err != nil {
		return err
	}
	return c.print(got, got.GetBank())
}

type bankListCmd struct{ byOperator }

func (c *bankListCmd) Help() string { return "Example:\n  sluice bank list" }

// Run lists the banks.
func (c *bankListCmd) Run(ctx context.Context) error {
	got, err := operatorCall(ctx, &c.byOperator, operatorv1.RegistryServiceClient.ListBanks, &operatorv1.ListBanksRequest{})
	if err != nil {
		return err
	}
	return c.print(got, got.GetBanks()...)
}

type bankSuspendCmd struct {
	byOperator
	ID string `arg:"" help:"The bank's id."`
}

func (c *bankSuspendCmd) Help() string { return "Example:\n  sluice bank suspend morava" }

// Run suspends the bank.
func (c *bankSuspendCmd) Run(ctx context.Context) error {
	return setBank(ctx, &c.byOperator, c.ID, operatorv1.Standing_STANDING_SUSPENDED)
}

type bankReinstateCmd struct {
	byOperator
	ID string `arg:"" help:"The bank's id."`
}

func (c *bankReinstateCmd) Help() string { return "Example:\n  sluice bank reinstate morava" }

// Run lifts the suspension.
func (c *bankReinstateCmd) Run(ctx context.Context) error {
	return setBank(ctx, &c.byOperator, c.ID, operatorv1.Standing_STANDING_ACTIVE)
}

func setBank(ctx context.Context, c *byOperator, id string, s operatorv1.Standing) error {
	got, err := operatorCall(ctx, c, operatorv1.RegistryServiceClient.SetBankStanding,
		&operatorv1.SetBankStandingRequest{BankId: id, Standing: s})
	if err != nil {
		return err
	}
	return c.print(got, got.GetBank())
}
