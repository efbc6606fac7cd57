package web

import (
	"context"
	"strings"
	"time"

	"sluice/bank/holdings"
	"sluice/consent"
)

// bankPatience is how long a page waits for a bank where it can do without.
const bankPatience = 4 * time.Second

// known are a customer's accounts as far as the bank says.
type known struct {
	all      []holdings.Account
	answered bool
}

// accounts asks the bank; one that does not answer only takes away names.
func (v *visit) accounts(i Identity) known {
	ctx, cancel := context.WithTimeout(v.ctx(), bankPatience)
	defer cancel()
	all, err := v.config.Accounts.Of(ctx, i.Bank, i.Customer)
	if err != nil {
		v.config.Log.WarnContext(ctx, "a bank did not say a customer's accounts", "bank", string(i.Bank), "cause", err.Error())
		return known{}
	}
	return known{all: all, answered: true}
}

func (k known) find(id consent.AccountID) (holdings.Account, bool) {
	for _, a := range k.all {
		if a.ID == id {
			return a, true
		}
	}
	return holdings.Account{}, false
}

// label is how an account is called on a page: by name and number, or by its id,
// masked, when the bank does not say.
func (k known) label(id consent.AccountID, words *speech) string {
	a, ok := k.find(id)
	if !ok {
		return words.say("account.unnamed", "Number", masked(string(id)))
	}
	name, _ := visible(a.Name, maxName)
	if name == "" {
		name = words.say("account.account")
	}
	if a.Number == "" {
		return name
	}
	return name + " " + a.Number
}

// masked is the end of an id: enough to tell accounts apart. Short ones, which
// are no account numbers, keep nothing but their beginning hidden.
func masked(id string) string {
	const shown = 4
	runes := []rune(id)
	tail, _ := visible(string(runes[max(0, len(runes)-shown):]), shown)
	return strings.TrimSpace("•••• " + tail)
}

// holderName is what somebody who holds one of the accounts is called.
func (k known) holderName(c consent.CustomerID, instead string) string {
	for _, a := range k.all {
		for _, h := range a.Holders {
			if h.Customer == c {
				return nameOf(h.Name, instead).Text
			}
		}
	}
	return instead
}
