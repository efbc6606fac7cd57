package samplebank

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
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
	Unseen       []string // accounts of which no app may show an alert
	Why          string   // why nothing can be asked; empty: it can
	Notice, Text string
}

// accountPayments are the payments of one of the customer's accounts.
type accountPayments struct {
	Account  string
	Payments []payment
}

// maxConsentPages bounds what is read of one customer's consents, 200 to a page.
const maxConsentPages = 20

// warnable are the accounts of which a consent in force lets an app show alerts
// to a customer. An alert about another reaches nobody.
func (d *desk) warnable(ctx context.Context, customer string) (map[string]bool, error) {
	if d.config.Consents == nil {
		return nil, errNotConnected
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out := map[string]bool{}
	ask := &bankv1.ListConsentsRequest{CustomerId: customer, LiveOnly: true, PageSize: 200}
	for range maxConsentPages {
		got, err := d.config.Consents.ListConsents(ctx, ask)
		if err != nil {
			return nil, fmt.Errorf("list consents of customer: %w", err)
		}
		for _, c := range got.GetConsents() {
			if c.GetCustomerId() != customer || standingOf(c).state != inForce {
				continue
			}
			for _, share := range c.GetShares() {
				if slices.Contains(share.GetClusters(), datav1.DataCluster_DATA_CLUSTER_FRAUD_ALERTS) {
					out[share.GetAccountId()] = true
				}
			}
		}
		if ask.PageToken = got.GetNextPageToken(); ask.GetPageToken() == "" {
			break
		}
	}
	return out, nil
}

const (
	whyUnasked  = "The gateway can't be asked now which apps may show an alert."
	whyNobody   = "Nobody would see an alert: no consent in force lets an app show this customer fraud warnings."
	whyNothing  = "The customer has no payments to ask about."
	whyNotThere = "Nobody would see an alert about this account now: no consent in force lets an app show its fraud warnings."
)

// whyNoAlert says why nothing can be asked, before any payment is looked at.
func whyNoAlert(seen map[string]bool, err error) string {
	switch {
	case err != nil:
		return whyUnasked
	case len(seen) == 0:
		return whyNobody
	default:
		return ""
	}
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
	seen, err := d.warnable(r.Context(), c.customer)
	if v.Why = whyNoAlert(seen, err); v.Why == "" {
		v.offer(d.bank, c.customer, seen)
	}
	d.render(w, status, deskFrame{Agent: agent, Page: "alert", View: v})
}

// offer lists the payments of accounts of which an alert is seen.
func (v *alertView) offer(b *Bank, customer string, seen map[string]bool) {
	for _, a := range b.accountsOf(customer) {
		payments := b.payments(a)
		switch {
		case len(payments) == 0:
		case seen[a.id]:
			v.Accounts = append(v.Accounts, accountPayments{a.known(), payments})
		default:
			v.Unseen = append(v.Unseen, a.known())
		}
	}
	if len(v.Accounts) == 0 {
		v.Why = whyNothing
		if len(v.Unseen) > 0 {
			v.Why = whyNobody
		}
	}
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
	err := d.mayAsk(r.Context(), c.customer, account)
	if err == nil {
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
		notice = "Nothing was asked: choose one of the payments first."
	case errors.Is(err, errUnseen):
		notice = whyNotThere
	case errors.Is(err, errNotTold):
		notice = whyUnasked
	default:
		notice = "Too many alerts were raised; this one was not."
	}
	d.showAlert(w, r, agent, http.StatusUnprocessableEntity, notice, text)
}

var (
	errUnseen  = errors.New("no app may show alerts about this account")
	errNotTold = errors.New("which apps may show alerts is not known")
)

// mayAsk says whether a customer holds an account and would see an alert about it.
func (d *desk) mayAsk(ctx context.Context, customer, account string) error {
	if _, holds := d.bank.data.held(customer, account); !holds {
		return errNoPayment
	}
	seen, err := d.warnable(ctx, customer)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errNotTold, err)
	case !seen[account]:
		return errUnseen
	default:
		return nil
	}
}
