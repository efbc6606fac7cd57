package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	operatorv1 "sluice/gen/sluice/operator/v1"
)

type partnerAddCmd struct {
	byOperator
	ID          string   `arg:"" help:"The partner's id, which is its client_id too."`
	Name        string   `help:"Its name, as customers see it." required:""`
	Redirect    []string `help:"Where its customers may be sent back to." placeholder:"URL"`
	Jwks        string   `help:"File with its public keys, as a JWK set." type:"existingfile" placeholder:"FILE"`
	JwksURL     string   `help:"Where its public keys are read from." placeholder:"URL"`
	TLS         bool     `help:"Its client proves itself by its certificate, and not by keys."`
	Token       bool     `help:"It calls with access tokens (if nothing is said)." xor:"access"`
	Certificate bool     `help:"It calls with its certificate and consent ids, and needs no tokens." xor:"access"`
}

func (c *partnerAddCmd) Help() string {
	return `Without --redirect the partner has no client: it asks for consents over gRPC,
and its customers decide in their bank's own app.

Examples:
  sluice partner add messenger --name Messenger --redirect https://messenger.example/done \
    --jwks messenger.jwks.json
  sluice partner add messenger --name Messenger --redirect https://messenger.example/done --tls
  sluice partner add auditor --name "Auditor" --certificate && sluice certificate partner auditor`
}

// Run registers the partner.
func (c *partnerAddCmd) Run(ctx context.Context) error {
	request := &operatorv1.RegisterPartnerRequest{PartnerId: c.ID, DisplayName: c.Name}
	switch {
	case c.Token:
		request.Access = operatorv1.PartnerAccess_PARTNER_ACCESS_TOKEN
	case c.Certificate:
		request.Access = operatorv1.PartnerAccess_PARTNER_ACCESS_CERTIFICATE
	}
	var err error
	if request.Client, err = c.client(); err != nil {
		return err
	}
	got, err := operatorCall(ctx, &c.byOperator, operatorv1.RegistryServiceClient.RegisterPartner, request)
	if err != nil {
		return err
	}
	return c.print(got, got.GetPartner())
}

func (c *partnerAddCmd) client() (*operatorv1.Client, error) {
	if len(c.Redirect) == 0 {
		if c.Jwks != "" || c.JwksURL != "" || c.TLS {
			return nil, errors.New("a client needs --redirect: where customers come back to")
		}
		return nil, nil //nolint:nilnil // no client is a partner's right
	}
	keys, err := readKeys(c.Jwks)
	if err != nil {
		return nil, err
	}
	out := &operatorv1.Client{
		Authentication: operatorv1.ClientAuthentication_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT,
		RedirectUris:   c.Redirect, Jwks: keys, JwksUrl: c.JwksURL,
	}
	if c.TLS {
		out.Authentication = operatorv1.ClientAuthentication_CLIENT_AUTHENTICATION_TLS
	}
	return out, nil
}

type partnerRotateKeysCmd struct {
	byOperator
	ID      string `arg:"" help:"The partner's id."`
	Jwks    string `help:"File with its public keys, as a JWK set." type:"existingfile" xor:"keys" required:"" placeholder:"FILE"`
	JwksURL string `help:"Where its public keys are read from." xor:"keys" required:"" placeholder:"URL"`
}

func (c *partnerRotateKeysCmd) Help() string {
	return `The old keys are not accepted any more. To change keys without a gap, put the old
and the new one into the set, let the partner change over, then leave the old out.

Example:
  sluice partner rotate-keys messenger --jwks messenger.jwks.json`
}

// Run replaces the keys.
func (c *partnerRotateKeysCmd) Run(ctx context.Context) error {
	keys, err := readKeys(c.Jwks)
	if err != nil {
		return err
	}
	got, err := operatorCall(ctx, &c.byOperator, operatorv1.RegistryServiceClient.RotatePartnerKeys,
		&operatorv1.RotatePartnerKeysRequest{PartnerId: c.ID, Jwks: keys, JwksUrl: c.JwksURL})
	if err != nil {
		return err
	}
	return c.print(got, got.GetPartner())
}

func readKeys(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read keys: %w", err)
	}
	return string(raw), nil
}
