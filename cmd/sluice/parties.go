package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"sluice/authn"
	"sluice/consent"
	"sluice/registry"
)

// parties lets in whoever is registered, suspended or not: a suspended party
// is told so by name rather than refused in the handshake. Operators, and other
// replicas, are whoever the authority gave such a certificate.
//
// While the registry can't be read, parties that were found in it before may
// still connect, to be told what is wrong: nothing is released without it.
type parties struct {
	registry interface {
		Partner(ctx context.Context, id consent.PartnerID) (registry.Partner, error)
		Bank(ctx context.Context, id consent.BankID) (registry.Bank, error)
	}
	seen sync.Map // authn.Identity, of which there are few
}

func (p *parties) Registered(ctx context.Context, id authn.Identity) (bool, error) {
	var err error
	switch id.Kind {
	case authn.Operator:
		return true, nil
	case authn.Gateway:
		return id == self(), nil
	case authn.Partner:
		_, err = p.registry.Partner(ctx, consent.PartnerID(id.ID))
	case authn.Bank:
		_, err = p.registry.Bank(ctx, consent.BankID(id.ID))
	default:
		return false, nil
	}
	switch {
	case err == nil:
		p.seen.Store(id, true)
		return true, nil
	case errors.Is(err, registry.ErrNotFound):
		p.seen.Delete(id)
		return false, nil
	}
	if _, known := p.seen.Load(id); known {
		return true, nil
	}
	return false, fmt.Errorf("read registry: %w", err)
}
