package samplebank

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

func TestAnAgentAsksAboutAPayment(t *testing.T) {
	b, _ := clocked(t)
	id := begun(t, b, toParty("messenger", "consent-1", "9593", "A7753"), "m1", "What is this?").GetConversationId()
	k := newConsents(warned("C1005"))
	w := signedAt(t, b, DeskConfig{Consents: k})
	payments := b.payments(b.data.accounts["C1005"])
	i := slices.IndexFunc(payments, func(p payment) bool { return !p.Asked })
	before := len(listed(t, b, "C1005"))
	foreign := b.data.accounts[otherAccount(t, b)]
	theirs := foreign.id + " " + b.payments(foreign)[0].ID
	for _, none := range []string{"", "x", "C1005 x", payments[i].ID, theirs} {
		status, page := w.post("/conversations/"+id+"/alert", url.Values{"payment": {none}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(text(t, page, "notice"), "choose one") {
			t.Errorf("%q is no payment of the customer's: %d %q", none, status, text(t, page, "notice"))
		}
	}
	form := url.Values{"payment": {"C1005 " + payments[i].ID}, "text": {"Was it you who bought this?"}}
	if status, page := w.post("/conversations/"+id+"/alert", form); status != http.StatusOK || !strings.Contains(page, `data-page="conversation"`) {
		t.Errorf("%d\n%s", status, page)
	}
	if status, page := w.post("/conversations/"+id+"/alert", form); status != http.StatusUnprocessableEntity || !strings.Contains(text(t, page, "notice"), "before") {
		t.Errorf("again: %d\n%s", status, page)
	}
	got := listed(t, b, "C1005")
	if len(got) != before+1 || got[len(got)-1].GetText() != "Was it you who bought this?" {
		t.Errorf("%v", got)
	}
}

// warned is the consent under which an app may show alerts about some accounts.
func warned(accounts ...string) *consentv1.Consent {
	c := agreed(active, talking)
	for _, a := range accounts {
		c.Shares = append(c.Shares, &consentv1.Share{AccountId: a, Clusters: []datav1.DataCluster{datav1.DataCluster_DATA_CLUSTER_FRAUD_ALERTS}})
	}
	return c
}

func TestNothingIsAskedWhereNobodyWouldSeeIt(t *testing.T) {
	b, _ := clocked(t)
	id := begun(t, b, ours(), "m1", "What is this?").GetConversationId()
	paused, ended, another := warned("C1005"), warned("C1005"), warned("C1005")
	paused.Status, ended.Status = consentv1.ConsentStatus_CONSENT_STATUS_PAUSED, consentv1.ConsentStatus_CONSENT_STATUS_REVOKED
	another.CustomerId = otherCustomer(t, b)
	away := newConsents(warned("C1005"))
	away.fail = errors.New("away")
	for name, c := range map[string]struct {
		consents bankv1.ConsentServiceClient
		why      string
	}{
		"warnings are not shared":       {newConsents(warned()), whyNobody},
		"paused":                        {newConsents(paused), whyNobody},
		"ended":                         {newConsents(ended), whyNobody},
		"another customer's":            {newConsents(another), whyNobody},
		"the gateway is away":           {away, whyUnasked},
		"there is no gateway":           {nil, whyUnasked},
		"an account that is not theirs": {newConsents(warned("X")), whyNobody},
		"another account than that one": {newConsents(warned("A7753")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := signedAt(t, b, DeskConfig{Consents: c.consents})
			_, page := w.get("/conversations/" + id + "/alert")
			if got := text(t, page, "why"); !strings.Contains(got, c.why) || strings.Contains(page, `value="C1005`) {
				t.Errorf("the page says %q, want %q, and no payment", got, c.why)
			}
			form := url.Values{"payment": {"C1005 " + b.payments(b.data.accounts["C1005"])[0].ID}}
			status, page := w.post("/conversations/"+id+"/alert", form)
			if status != http.StatusUnprocessableEntity || !strings.Contains(text(t, page, "notice"), "alert") {
				t.Errorf("raised all the same: %d %q", status, text(t, page, "notice"))
			}
		})
	}
	w := signedAt(t, b, DeskConfig{Consents: newConsents(warned())})
	if _, page := w.get("/conversations/" + id); strings.Contains(page, "to-alert") || !strings.Contains(text(t, page, "no-alert"), whyNobody) {
		t.Error("the conversation offers what nobody would see")
	}
	w = signedAt(t, b, DeskConfig{Consents: newConsents(warned("C1005"))})
	if _, page := w.get("/conversations/" + id); !strings.Contains(page, "to-alert") {
		t.Error("nothing is offered where somebody would see it")
	}
}

func TestAConsentThatIsNotInForceSharesNothingNow(t *testing.T) {
	b, _ := clocked(t)
	id := begun(t, b, ours(), "m1", "hello").GetConversationId()
	for status, want := range map[consentv1.ConsentStatus]string{
		active: "This account shares",
		consentv1.ConsentStatus_CONSENT_STATUS_PAUSED:  "once it is in force",
		consentv1.ConsentStatus_CONSENT_STATUS_REVOKED: "until it ended",
	} {
		w := signedAt(t, b, DeskConfig{Consents: newConsents(agreed(status, talking))})
		_, page := w.get("/conversations/" + id)
		got := text(t, page, "consent")
		if !strings.Contains(got, want) || strings.Contains(got, "This account shares") != (status == active) || !strings.Contains(got, "Talks with the bank") {
			t.Errorf("%s: %q", status, got)
		}
	}
}
