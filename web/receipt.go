package web

import (
	"fmt"
	"net/http"
	"time"

	"sluice/consent"
	"sluice/consent/receipt"
)

type receiptView struct {
	consentView
	Consent  consent.ID
	Revision int64
	Created  time.Time
	Made     time.Time
}

// showReceipt is a page to print, of the same facts as the signed file.
func (v *visit) showReceipt() error {
	t, err := v.findMine()
	if err != nil || t == nil {
		return err
	}
	k := v.accounts(t.who)
	view := receiptView{Consent: t.consent.ID, Revision: t.consent.Revision, Created: t.consent.CreatedAt, Made: v.at}
	view.Path, view.Sentence, view.Asked = t.path(), sentenceOf(t.consent.Asked.PurposeText), t.consent.Asked
	if view.Card, err = v.card(t.consent, t.who, k, time.Time{}); err != nil {
		return err
	}
	if view.Bank, err = v.nameOfBank(t.consent.Bank); err != nil {
		return err
	}
	if view.History, err = v.history(*t); err != nil {
		return err
	}
	return v.show("receipt", view)
}

// receiptFile is the signed statement, to be kept and verified by anybody.
func (v *visit) receiptFile() error {
	t, err := v.findMine()
	if err != nil || t == nil {
		return err
	}
	partner, bank, err := v.parties(t.consent.Partner, t.consent.Bank)
	if err != nil {
		return err
	}
	history, err := v.config.Book.History(v.ctx(), t.who.as(), t.consent.ID)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	signed, err := v.config.Receipts.Of(v.ctx(), receipt.Facts{
		Consent: t.consent, History: history, PartnerName: partner.Name, BankName: bank.Name, At: v.at,
	})
	if err != nil {
		return fmt.Errorf("sign receipt: %w", unavailable(err))
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/jwt")
	h.Set("Content-Disposition", `attachment; filename="receipt.jwt"`)
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write([]byte(signed)) // a visitor who left needs no error page
	return nil
}
