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
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// consentView is a consent in words.
type consentView struct {
	ID, Partner, Customer string
	Status                string
	InForce, Ended        bool
	Purpose, PurposeText  string
	Kinds                 []string
	Since, Changed, Until time.Time
	Problem               string // why there is nothing to see
}

// patience is how long a page waits for the gateway.
const patience = 3 * time.Second

// consentOf is the consent that a conversation runs under, as it stands now; its
// kinds of data are those that one account shares.
func (d *desk) consentOf(ctx context.Context, id, account string) consentView {
	if d.config.Consents == nil {
		return consentView{ID: id, Problem: "The desk is not connected to the gateway."}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := d.config.Consents.GetConsent(ctx, &bankv1.GetConsentRequest{ConsentId: id})
	if err != nil {
		return consentView{ID: id, Problem: "The gateway can't be asked now."}
	}
	return shownConsent(r.GetConsent(), account)
}

// shownConsent has the kinds of one account, or of all if it is empty.
func shownConsent(c *consentv1.Consent, account string) consentView {
	s := standingOf(c)
	out := consentView{
		ID: c.GetConsentId(), Partner: c.GetPartnerId(), Customer: nameOf(c.GetCustomerId()),
		Status: wordsOf(c.GetStatus().String(), "CONSENT_STATUS_"), InForce: s.state == inForce, Ended: s.state == over,
		Purpose: purposeWords(c.GetAsked().GetPurpose()), PurposeText: c.GetAsked().GetPurposeText(),
		Since: c.GetCreatedAt().AsTime(), Changed: c.GetChangedAt().AsTime(), Until: c.GetValidUntil().AsTime(),
	}
	seen := map[datav1.DataCluster]bool{}
	for _, share := range c.GetShares() {
		for _, k := range share.GetClusters() {
			if (account == "" || share.GetAccountId() == account) && !seen[k] {
				seen[k] = true
				out.Kinds = append(out.Kinds, kindWords(k))
			}
		}
	}
	slices.Sort(out.Kinds)
	return out
}

// wordsOf is a name of the contract in words.
func wordsOf(name, prefix string) string {
	words := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, prefix), "_", " "))
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

func purposeWords(p consentv1.Purpose) string {
	switch p {
	case consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW:
		return "Showing accounts in one place"
	case consentv1.Purpose_PURPOSE_SPENDING_INSIGHTS:
		return "Telling what is spent on what"
	case consentv1.Purpose_PURPOSE_FRAUD_PROTECTION:
		return "Finding and stopping fraud"
	case consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE:
		return "Talking with the bank"
	default:
		return wordsOf(p.String(), "PURPOSE_")
	}
}

// kindWords are what the customer's pages call a kind of data, said to an agent.
func kindWords(k datav1.DataCluster) string {
	switch k {
	case datav1.DataCluster_DATA_CLUSTER_ACCOUNT_BASIC:
		return "That the account exists"
	case datav1.DataCluster_DATA_CLUSTER_ACCOUNT_DETAILED:
		return "Full account number and holder"
	case datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_BASIC:
		return "Transactions, without names"
	case datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_DETAILED:
		return "Transactions, with names and texts"
	case datav1.DataCluster_DATA_CLUSTER_CARD_TRANSACTIONS:
		return "Purchases by card"
	case datav1.DataCluster_DATA_CLUSTER_FRAUD_ALERTS:
		return "Fraud warnings"
	case datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS:
		return "Talks with the bank"
	default: // balances, cards, statements: words that everybody has
		return wordsOf(k.String(), "DATA_CLUSTER_")
	}
}

type consentsView struct {
	Consents []consentView
	Next     string
	Later    bool // not the first page
	LiveOnly bool
	Problem  string
}

// consents is the bank's own view of its customers' consents, page by page.
func (d *desk) consents(w http.ResponseWriter, r *http.Request, agent string) {
	q := r.URL.Query()
	v := consentsView{LiveOnly: q.Get("live") != "", Later: q.Get("page") != ""}
	status := http.StatusOK
	if err := d.fill(r.Context(), &v, q.Get("page")); err != nil {
		status, v.Problem = http.StatusServiceUnavailable, "The gateway can't be asked now."
	}
	d.render(w, status, deskFrame{Agent: agent, Page: "consents", View: v})
}

var errNotConnected = errors.New("the desk is not connected to the gateway")

func (d *desk) fill(ctx context.Context, v *consentsView, page string) error {
	if d.config.Consents == nil {
		return errNotConnected
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	got, err := d.config.Consents.ListConsents(ctx, &bankv1.ListConsentsRequest{PageToken: page, LiveOnly: v.LiveOnly})
	if err != nil {
		return fmt.Errorf("list consents: %w", err)
	}
	for _, c := range got.GetConsents() {
		v.Consents = append(v.Consents, shownConsent(c, ""))
	}
	v.Next = got.GetNextPageToken()
	return nil
}
