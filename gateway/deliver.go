package gateway

import (
	"context"

	"sluice/bank"
	"sluice/consent"
	"sluice/gateway/fields"
	"sluice/policy"
	"sluice/refusal"
)

// Push is one event on its way to a partner. Nothing in it is believed but who
// the partner is, and which bank published it.
type Push struct {
	Partner consent.PartnerID
	Consent consent.ID
	Bank    consent.BankID
	Account consent.AccountID
	Kind    policy.Kind
	// Answer is what the bank would have answered to a pull of just this: encoded,
	// of the bank's answer of the kind. It is not changed.
	Answer    []byte
	Method    string // as package.Service/Method, for the record
	RequestID string
}

// Deliver is Release for an event: the same walk, with the event in the place
// of the bank. Its purpose is the consent's, it is no access of the partner's
// that would be counted, and the live consent alone bounds it: the token a
// stream was opened with is of no consent.
func (g *Gate) Deliver(ctx context.Context, p Push) (Released, error) {
	ask := Ask{
		Partner: p.Partner, Consent: p.Consent, Unattended: true, Kind: p.Kind, One: true,
		From: consent.NoDay, To: consent.NoDay, Method: p.Method, RequestID: p.RequestID,
		pushed: true, bank: p.Bank, account: p.Account,
	}
	return g.release(ctx, ask, func(context.Context, walked, policy.Verdict) (bank.Answer, error) {
		return bank.NewAnswer(p.Answer, nil), nil
	})
}

// preparePush is the rest of prepare for an event, which names its account as
// the bank does, and states no purpose.
func (g *Gate) preparePush(w walked) walked {
	w.ask.Purpose = w.grant.Purpose()
	w.accounts = []consent.AccountID{w.ask.account}
	w.names = named{{public: g.Pairwise.Account(w.grant.Partner(), w.grant.Bank(), w.ask.account), account: w.ask.account}}
	return w
}

// nothingPushed refuses an event of which nothing may leave: it is older than
// the consent reaches, or not of its account.
func nothingPushed(s fields.Shown) error {
	if s.Dropped().Items > 0 {
		return refuse(refusal.LookbackExceeded)
	}
	return refuse(refusal.BankAnswerInvalid)
}

// NeverAgain says of a refused delivery that trying it again later is no use:
// the consent keeps the event back, or nothing of it could ever be released.
// What a suspended party keeps back waits for the party.
func NeverAgain(err error) bool {
	switch r := refusal.ReasonOf(err); r {
	case refusal.PartnerSuspended, refusal.BankSuspended:
		return false
	case refusal.ConsentNotFound, refusal.BankAnswerInvalid:
		return true
	default:
		return keptBack(r)
	}
}
