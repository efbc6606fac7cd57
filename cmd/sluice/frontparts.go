package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"sluice/bank"
	"sluice/bank/holdings"
	"sluice/consent"
	"sluice/oauth"
	"sluice/web"
)

// accounts asks banks for the pages.
type accounts struct{ banks bank.Directory }

// Of asks a bank which accounts a customer has.
func (a accounts) Of(ctx context.Context, b consent.BankID, c consent.CustomerID) ([]holdings.Account, error) {
	return holdings.Of(ctx, a.banks, b, c) //nolint:wrapcheck // between two rooms
}

// asks lets the pages find the authorization server's requests. The server is
// made after the pages, which it needs too.
type asks struct{ house *house }

// Find finds the request that a browser came with.
func (a asks) Find(r *http.Request, ref string) (web.Ask, error) {
	found, err := a.house.front.oauth.Find(r, ref)
	switch {
	case errors.Is(err, oauth.ErrOtherBrowser):
		return web.Ask{}, fmt.Errorf("%w: %w", web.ErrNoAsk, err)
	case errors.Is(err, oauth.ErrOver):
		return web.Ask{}, fmt.Errorf("%w: %w", web.ErrAskOver, err)
	case err != nil:
		return web.Ask{}, fmt.Errorf("find request: %w", err)
	}
	return web.Ask{
		Consent: found.Consent, Bank: found.Bank, Partner: found.Partner, Replaces: found.Replaces, ReturnTo: found.ReturnTo,
	}, nil
}
