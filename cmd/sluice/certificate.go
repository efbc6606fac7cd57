package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"sluice/authn"
	"sluice/authn/devca"
)

type certificateCmd struct {
	Data string   `help:"Data directory of the gateway." default:"./sluice-data" env:"SLUICE_DATA" type:"path"`
	Kind string   `arg:"" help:"Kind of party: ${enum}." enum:"partner,bank,operator"`
	ID   string   `arg:"" help:"Id of the party."`
	Host []string `help:"Name or address that a bank serves under, besides localhost."`
}

func (c *certificateCmd) Help() string {
	return `Issues a development certificate, good for a week, into <data>/pki. The party
must be registered too before it can connect. In production your own authority
issues certificates that carry the same URI name, spiffe://sluice/<kind>/<id>.

Examples:
  sluice certificate partner messenger
  sluice certificate bank morava --host morava.bank.internal`
}

// Run issues the certificate.
func (c *certificateCmd) Run(_ context.Context) error {
	kind := map[string]authn.Kind{"partner": authn.Partner, "bank": authn.Bank, "operator": authn.Operator}[c.Kind]
	dir := filepath.Join(c.Data, "pki")
	ca, err := devca.Open(dir, time.Now())
	if err != nil {
		return fmt.Errorf("open data directory: %w", err)
	}
	if _, err := ca.Issue(authn.Identity{Kind: kind, ID: c.ID}, time.Now(), c.Host...); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	fmt.Printf("%s\n", filepath.Join(dir, c.Kind+"-"+c.ID+".crt"))
	return nil
}
