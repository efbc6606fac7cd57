package main

import (
	"context"
	"os"

	"google.golang.org/protobuf/proto"

	consentv1 "sluice/gen/sluice/consent/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
)

type consentSuspendCmd struct {
	byOperator
	ID string `arg:"" help:"The consent."`
}

func (c *consentSuspendCmd) Help() string { return "Example:\n  sluice consent suspend con_…" }

// Run holds the consent for the operator.
func (c *consentSuspendCmd) Run(ctx context.Context) error {
	got, err := operatorCall(ctx, &c.byOperator, operatorv1.RegistryServiceClient.SuspendConsent,
		&operatorv1.SuspendConsentRequest{ConsentId: c.ID})
	if err != nil {
		return err
	}
	return c.printConsent(got, got.GetConsent())
}

type consentUnsuspendCmd struct {
	byOperator
	ID string `arg:"" help:"The consent."`
}

func (c *consentUnsuspendCmd) Help() string { return "Example:\n  sluice consent unsuspend con_…" }

// Run lifts the operator's own hold.
func (c *consentUnsuspendCmd) Run(ctx context.Context) error {
	got, err := operatorCall(ctx, &c.byOperator, operatorv1.RegistryServiceClient.UnsuspendConsent,
		&operatorv1.UnsuspendConsentRequest{ConsentId: c.ID})
	if err != nil {
		return err
	}
	return c.printConsent(got, got.GetConsent())
}

func (c *byOperator) printConsent(answer proto.Message, made *consentv1.Consent) error {
	if c.JSON {
		return printJSON(os.Stdout, answer)
	}
	return printConsent(os.Stdout, made)
}
