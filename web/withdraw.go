package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"sluice/consent"
	"sluice/refusal"
)

type withdrawView struct {
	Path     string
	Partner  foreign
	Account  consent.AccountID
	Label    string
	Last     bool // the only account: the consent ends with it
	Revision int64
}

// showWithdraw asks once more before an account is taken out.
func (v *visit) showWithdraw() error {
	t, account, k, err := v.findAccount(consent.AccountID(v.r.URL.Query().Get("account")))
	if err != nil || t == nil {
		return err
	}
	partner, err := v.config.Parties.Partner(v.ctx(), t.consent.Partner)
	if err != nil {
		return unavailable(err)
	}
	return v.show("withdraw", withdrawView{
		Path: t.path(), Partner: v.partnerName(partner), Account: account, Label: k.label(account, v.words),
		Last: len(t.consent.Shares) == 1 && t.mine, Revision: t.consent.Revision,
	})
}

// findAccount finds an account of a consent that the visitor may take out: any of
// their own consent, or of another's what they hold too, as the bank says.
func (v *visit) findAccount(account consent.AccountID) (*theirs, consent.AccountID, known, error) {
	t, err := v.find()
	if err != nil || t == nil {
		return nil, "", known{}, err
	}
	if !t.can(v.at).Withdraw {
		return nil, "", known{}, &page{status: http.StatusConflict, key: "error.not_possible", cause: errNotNow}
	}
	k := v.accounts(t.who)
	if !t.mine && !k.answered {
		return nil, "", known{}, &page{http.StatusServiceUnavailable, "error.bank_unavailable", errors.New("whose account it is can't be said")}
	}
	shared := slices.ContainsFunc(t.consent.Shares, func(s consent.Share) bool { return s.Account == account })
	if _, held := k.find(account); !shared || !t.mine && !held {
		return nil, "", known{}, notFound()
	}
	return t, account, k, nil
}

// withdraw takes one account out.
func (v *visit) withdraw() error {
	t, account, _, err := v.findAccount(consent.AccountID(v.r.PostForm.Get("account")))
	if err != nil || t == nil {
		return err
	}
	revision, err := v.shownRevision()
	if err != nil {
		return err
	}
	_, err = v.config.Book.WithdrawAccount(v.ctx(), t.who.as(), t.consent.ID, revision, account)
	return v.changed(*t, err, "withdrawn")
}

// agree is a co-holder's yes to what the customer chose.
func (v *visit) agree() error {
	t, err := v.findAwaited()
	if err != nil || t == nil {
		return err
	}
	switch k := v.accounts(t.who); {
	case !k.answered:
		return &page{http.StatusServiceUnavailable, "error.bank_unavailable", errors.New("the accounts can't be shown")}
	case !t.holds(k):
		return &page{status: http.StatusConflict, key: "error.not_possible", cause: errNotNow}
	}
	revision, err := v.shownRevision()
	if err != nil {
		return err
	}
	_, err = v.config.Book.Authorize(v.ctx(), t.who.as(), t.consent.ID, revision, consent.Choice{Shares: t.consent.Shares})
	if err != nil && refusal.ReasonOf(err) == refusal.InvalidRequest {
		return &page{http.StatusConflict, "error.conflict", fmt.Errorf("agree: %w", err)}
	}
	return v.changed(*t, err, "agreed")
}

// refuse is a co-holder's no. It needs no bank.
func (v *visit) refuse() error {
	t, err := v.findAwaited()
	if err != nil || t == nil {
		return err
	}
	_, err = v.config.Book.Reject(v.ctx(), t.who.as(), t.consent.ID, t.consent.Revision)
	return v.changed(*t, err, "refused")
}

// findAwaited finds a consent that waits for the visitor as a co-holder.
func (v *visit) findAwaited() (*theirs, error) {
	t, err := v.find()
	if err != nil || t == nil {
		return nil, err
	}
	if t.mine {
		return nil, notFound()
	}
	if !t.can(v.at).Agree {
		return nil, &page{status: http.StatusConflict, key: "error.not_possible", cause: errNotNow}
	}
	return t, nil
}
