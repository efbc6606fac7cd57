package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sluice/consent"
	"sluice/refusal"
)

type revokeView struct {
	Path     string
	Partner  foreign
	Bank     foreign
	Status   consent.Status
	Ask      bool // it can still be taken back
	Revoking bool // taken back, and not in force everywhere yet
	Revoked  bool
	At       time.Time
	Last     time.Time
	Never    bool // nothing ever left
	Blind    bool
}

// showRevoke asks once more, or says what came of it. It asks no bank.
func (v *visit) showRevoke() error {
	t, err := v.findMine()
	if err != nil || t == nil {
		return err
	}
	return v.revokePage(http.StatusOK, *t)
}

func (v *visit) revokePage(status int, t theirs) error {
	c := t.consent
	partner, bank, err := v.parties(c.Partner, c.Bank)
	if err != nil {
		return err
	}
	view := revokeView{
		Path: t.path(), Partner: v.partnerName(partner), Bank: v.bankName(bank), Status: c.Seen(),
		Ask: !consent.Ended(c.Status), Revoked: c.Status == consent.Revoked && c.Fenced(),
		Revoking: c.Status == consent.Revoked && !c.Fenced(), At: c.ChangedAt,
	}
	if !view.Ask {
		last, err := v.lastReleases([]consent.Consent{c})
		view.Last, view.Blind = last[c.ID], err != nil
		view.Never = err == nil && view.Last.IsZero()
	}
	return v.render(status, "revoke", view)
}

// revoke takes the consent back, whatever was changed since the page was made.
// One that is taken back but not yet in force everywhere is asked for again:
// that waits for it anew.
func (v *visit) revoke() error {
	t, err := v.findMine()
	if err != nil || t == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.ctx(), barrierPatience)
	defer cancel()
	c, err := v.config.Book.Revoke(ctx, t.who.as(), t.consent.ID)
	if err == nil {
		t.consent = c
		return v.see(t.path() + "/revoke")
	}
	return v.unsure(*t, err)
}

// unsure says how a consent stands after a revoke that did not come through.
func (v *visit) unsure(t theirs, cause error) error {
	c, err := v.config.Book.Get(v.ctx(), t.who.as(), t.consent.ID)
	if err != nil {
		return fmt.Errorf("revoke: %w", unavailable(errors.Join(cause, err)))
	}
	t.consent = c
	switch {
	case c.Status == consent.Revoked:
		v.config.Log.WarnContext(v.ctx(), "a revoke is not in force everywhere yet", "cause", cause.Error())
		return v.revokePage(http.StatusOK, t)
	case refusal.ReasonOf(cause) == refusal.ChangeNotPossible:
		return v.revokePage(http.StatusConflict, t)
	}
	return fmt.Errorf("revoke: %w", cause)
}
