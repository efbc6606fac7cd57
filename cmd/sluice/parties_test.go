package main

import (
	"context"
	"errors"
	"testing"

	"sluice/authn"
	"sluice/consent"
	"sluice/registry"
)

// roll is a registry of one partner.
type roll struct{ err error }

func (r *roll) Partner(_ context.Context, id consent.PartnerID) (registry.Partner, error) {
	if r.err == nil && id != "messenger" {
		return registry.Partner{}, registry.ErrNotFound
	}
	return registry.Partner{ID: id}, r.err
}

func (r *roll) Bank(context.Context, consent.BankID) (registry.Bank, error) {
	return registry.Bank{}, registry.ErrNotFound
}

func TestWhileTheRegistryIsAwayOnlyKnownPartiesConnect(t *testing.T) {
	r := &roll{}
	p := &parties{registry: r}
	may := func(id string) bool {
		ok, err := p.Registered(t.Context(), authn.Identity{Kind: authn.Partner, ID: id})
		return ok && err == nil
	}
	if !may("messenger") || may("stranger") {
		t.Error("the registry is there, and is not heeded")
	}
	r.err = errors.New("database is away")
	if !may("messenger") || may("stranger") || may("wallet") {
		t.Error("while it is away, others than those found before may connect, or those may not")
	}
	r.err = registry.ErrNotFound
	if may("messenger") {
		t.Error("it was removed, and may connect")
	}
	r.err = errors.New("database is away")
	if may("messenger") {
		t.Error("it was removed before the registry went away, and may connect")
	}
}
