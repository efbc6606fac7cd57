package samplebank

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// payment is a transaction that an agent can ask the customer about.
type payment struct {
	Account, ID, What, Amount string
	On                        time.Time
	Asked                     bool // an alert about it was raised
}

// maxPayments is how many payments of an account are offered.
const maxPayments = 10

// payments are the newest of an account.
func (b *Bank) payments(a *account) []payment {
	asked := map[string]bool{}
	for _, w := range b.alertsOf(a) {
		asked[w.GetTransactionId()] = true
	}
	var out []payment
	for _, t := range slices.Backward(a.transactions) {
		if len(out) == maxPayments {
			break
		}
		if b.askable(t) {
			out = append(out, payment{
				Account: a.id, ID: t.id, What: nameOfPayment(t), Amount: (-t.amount).text(a.currency),
				On: time.Unix(int64(t.day+b.rolled())*secondsPerDay, 0).UTC(), Asked: asked[t.id],
			})
		}
	}
	return out
}

// text is an amount that is not negative, for people.
func (a amount) text(currency string) string {
	return fmt.Sprintf("%d.%02d %s", a/100, a%100, currency)
}

// sizeText is a file's size for people.
func sizeText(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d kB", (bytes+1023)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
}

type alertView struct {
	ID, Customer string
	Accounts     []accountPayments
	Notice, Text string
}

// accountPayments are the payments of one of the customer's accounts.
type accountPayments struct {
	Account  string
	Payments []payment
}

// alert shows the payments that the customer can be asked about.
func (d *desk) alert(w http.ResponseWriter, r *http.Request, agent string) {
	d.showAlert(w, r, agent, http.StatusOK, "", "")
}

func (d *desk) showAlert(w http.ResponseWriter, r *http.Request, agent string, status int, notice, text string) {
	c, _, found := d.bank.talks.one(r.PathValue("id"))
	if !found || c.sample {
		d.nothing(w, r, agent)
		return
	}
	v := alertView{ID: c.id, Customer: c.customerName(), Notice: notice, Text: text}
	for _, a := range d.bank.accountsOf(c.customer) {
		if payments := d.bank.payments(a); len(payments) > 0 {
			v.Accounts = append(v.Accounts, accountPayments{a.known(), payments})
		}
	}
	d.render(w, status, deskFrame{Agent: agent, Page: "alert", View: v})
}

// raise asks the customer about a payment.
func (d *desk) raise(w http.ResponseWriter, r *http.Request, agent string) {
	c, _, found := d.bank.talks.one(r.PathValue("id"))
	if !found || c.sample {
		d.nothing(w, r, agent)
		return
	}
	text := r.PostFormValue("text")
	account, id, _ := strings.Cut(r.PostFormValue("payment"), " ")
	err := errNoPayment
	if _, holds := d.bank.data.held(c.customer, account); holds {
		_, err = d.bank.raise(account, id, text, agent)
	}
	var notice string
	switch {
	case err == nil:
		http.Redirect(w, r, "/conversations/"+c.id, http.StatusSeeOther)
		return
	case errors.Is(err, errAlertBefore):
		notice = "An alert about this payment was raised before."
	case errors.Is(err, errAlertText):
		notice = "A warning has at most 400 characters."
	case errors.Is(err, errNoPayment):
		notice = "Choose one of the payments."
	default:
		notice = "Too many alerts were raised; this one was not."
	}
	d.showAlert(w, r, agent, http.StatusUnprocessableEntity, notice, text)
}
