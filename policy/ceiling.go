package policy

import (
	"errors"
	"fmt"
	"slices"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
)

// needs is the cluster an account must share for a kind of answer.
func (k Kind) needs() consent.Cluster {
	switch k {
	case Accounts:
		return consent.AccountBasic
	case Balances:
		return consent.Balances
	case Transactions:
		return consent.TransactionsBasic
	case Cards:
		return consent.Cards
	case Alerts:
		return consent.FraudAlerts
	case Conversations, Messages:
		return consent.Conversations
	}
	return 0
}

// withinGrant is the ceiling over the rules: whoever changes them can refuse
// more, but can't release what the customer did not agree to, or what the
// call's token does not let out.
func (d decision) withinGrant(q Question) error {
	for a := range d.refused {
		if !slices.Contains(q.Accounts, a) {
			return errors.New("an account was refused that was not asked for")
		}
	}
	if d.chatPass != 0 && (!d.allow || !q.Kind.Conversational() || !q.ChatPass.Has(d.chatPass)) {
		return errors.New("something passes unmasked that the bank does not let pass")
	}
	if !d.allow {
		return nil
	}
	g := q.Grant
	switch {
	case g.Partner() != q.Partner || q.Partner == "":
		return errors.New("the grant is another partner's")
	case g.Status() != consent.Active:
		return fmt.Errorf("the consent is %s", consent.StatusName(g.Status()))
	case !q.At.Before(g.ValidUntil()):
		return errors.New("the consent has ended")
	case q.Purpose != g.Purpose():
		return errors.New("the purpose is another")
	case q.Kind.Conversational() && q.Purpose != consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE:
		return errors.New("conversations are for customer service alone")
	case q.Pushed && (g.UnattendedPerDay() == 0 || g.OneTime()):
		return errors.New("nothing may leave without the customer")
	case q.Unattended && !q.Continues && !q.Pushed && q.UnattendedToday >= g.UnattendedPerDay():
		return errors.New("no unattended access is left")
	}
	for _, p := range d.permissions {
		if err := p.withinShare(q); err != nil {
			return err
		}
	}
	return d.windowWithin(q)
}

func (p Permission) withinShare(q Question) error {
	share, ok := q.share(p.Account)
	named := len(q.Accounts) == 0 && q.Unnamed == 0 || slices.Contains(q.Accounts, p.Account)
	switch {
	case !ok:
		return errors.New("an account is permitted that the grant or the token does not have")
	case !named:
		return errors.New("an account is permitted that was not asked for")
	case !p.Clusters.Within(share.Clusters.Implied()):
		return errors.New("a kind of data is permitted that the account does not share, or the token does not let out")
	case !p.Clusters.Has(q.Kind.needs()):
		return errors.New("an account is permitted that does not share what was asked for")
	case !p.Masked && !share.Clusters.Has(consent.AccountDetailed):
		return errors.New("numbers are unmasked that the account does not share")
	}
	return nil
}

func (d decision) windowWithin(q Question) error {
	if q.Kind != Transactions {
		if d.from != consent.NoDay || d.to != consent.NoDay {
			return errors.New("there are days for data without dates")
		}
		return nil
	}
	today := consent.DayOf(q.At)
	earliest := today - consent.Day(q.Grant.LookBackDays()) + 1
	switch {
	case d.from > d.to || d.from < earliest || d.to > latestDay(q.At):
		return errors.New("the days are beyond the look-back")
	case q.From != consent.NoDay && d.from < q.From, q.To != consent.NoDay && d.to > q.To:
		return errors.New("the days are beyond those asked for")
	}
	return nil
}
