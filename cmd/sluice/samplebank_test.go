package main

import (
	"context"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sluice/authn/banklogin"
	"sluice/authn/devca"
	"sluice/authn/keyset"
	"sluice/consent"
	"sluice/reference/samplebank"
	"sluice/registry"
)

type oneBank struct{ bank registry.Bank }

func (o oneBank) Bank(context.Context, consent.BankID) (registry.Bank, error) { return o.bank, nil }

type noKey struct{}

func (noKey) Signing(context.Context) (jose.JSONWebKey, error) { return jose.JSONWebKey{}, nil }

func TestASampleBankServesALoginIfItKnowsTheGateway(t *testing.T) {
	ca, err := devca.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	data, err := samplebank.Load()
	if err != nil {
		t.Fatal(err)
	}
	for gateway, served := range map[string]bool{"": false, "https://localhost:8444": true} {
		b, err := serveSampleBank(t.Context(), data, ca, sampleBankPlace{
			id: "morava", listen: "127.0.0.1:0", loginListen: "127.0.0.1:0", gatewayURL: gateway, clientID: "sluice",
		})
		if err != nil {
			t.Fatal(err)
		}
		relying := banklogin.New(banklogin.Config{
			Banks: oneBank{registry.Bank{
				ID: "morava", Standing: registry.Active, Login: registry.Login{Issuer: b.login, ClientID: b.clientID},
			}},
			Redirect: gateway + "/login/callback", Key: noKey{}, Now: time.Now,
			Client: keyset.NewClient(keyset.Config{Roots: ca.Roots(), Private: true, Now: time.Now}),
		})
		if _, _, err := relying.Begin(t.Context(), "morava", ""); (err == nil) != served {
			t.Errorf("gateway %q: begin = %v", gateway, err)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	}
	if _, err := serveSampleBank(t.Context(), data, ca, sampleBankPlace{
		id: "morava", listen: "127.0.0.1:0", loginListen: "127.0.0.1:0", gatewayURL: "http://localhost", clientID: "sluice",
	}); err == nil {
		t.Error("a gateway without TLS was taken")
	}
}
