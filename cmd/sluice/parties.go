package main

import (
	"context"
	"errors"
	"fmt"

	"sluice/authn"
	"sluice/consent"
	"sluice/registry"
)

// parties lets in whoever is registered, suspended or not: a suspended party
// is told so by name rather than refused in the handshake. Operators are whoever
// the authority gave an operator's certificate.
type parties struct{ registry registry.Store }

func (p parties) Registered(ctx context.Context, id authn.Identity) (bool, error) {
	var err error
	switch id.Kind {
	case authn.Operator:
		return true, nil
	case authn.Gateway:
		// Another replica: whoever the authority gave the gateway's certificate.
		return id == self(), nil
	case authn.Partner:
		_, err = p.registry.Partner(ctx, consent.PartnerID(id.ID))
	case authn.Bank:
		_, err = p.registry.Bank(ctx, consent.BankID(id.ID))
	default:
		return false, nil
	}
	if errors.Is(err, registry.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read registry: %w", err)
	}
	return true, nil
}
