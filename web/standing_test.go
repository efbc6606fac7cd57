package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluice/bank/holdings"
	"sluice/consent"
	"sluice/registry"
)

// Under a consent that stands nothing is read while a party may not take part,
// and the pages don't say that it is.
func TestAPartyThatMayNotTakePartIsTold(t *testing.T) {
	const sharing = "The app can read what stands below"
	for name, c := range map[string]struct {
		bar  func(*stand)
		says string
	}{
		"partner": {func(s *stand) {
			s.parties.partners["messenger"] = registry.Partner{ID: "messenger", Name: "Messenger", Standing: registry.Suspended}
		}, "Nothing is read now: the app may not take part at present."},
		"bank": {func(s *stand) { s.parties.banks[0].Standing = registry.Suspended }, "Nothing is read now: your bank may not take part at present."},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			given := s.given(func(c *consent.Choice) { c.CoHolders = []consent.CustomerID{"jonas"} })
			paused := s.given()
			_, err := s.book.Authorize(t.Context(), jonas(), given.ID, 0, consent.Choice{Shares: given.Shares})
			s.must(err)
			_, err = s.book.Pause(t.Context(), ona(), paused.ID, 0)
			s.must(err)
			b, other := s.ona(), s.jonas()
			b.get(pathOf(given)).has(t, sharing, ">Sharing<")
			c.bar(s)
			for _, page := range []answer{b.get("/"), b.get(pathOf(given)), other.get("/"), other.get(pathOf(given))} {
				page.is(t, http.StatusOK).has(t, c.says, `<span class="pill held" data-status="CONSENT_STATUS_ACTIVE">On hold</span>`)
				page.hasNot(t, sharing, ">Sharing<")
			}
			b.get(pathOf(given)).has(t, `data-state="CONSENT_STATUS_ACTIVE"`, `id="revoke"`)
			b.get(pathOf(paused)).has(t, ">Paused<").hasNot(t, "On hold")
			b.get("/stop").has(t, ">On hold<").hasNot(t, ">Sharing<")
			if got := s.read(given.ID).Status; got != consent.Active {
				t.Errorf("the consent is %s", consent.StatusName(got))
			}
		})
	}
}

func TestAccountsAreToldApartWithoutTheBank(t *testing.T) {
	const long = "LT121000011101001000"
	s := newStand(t)
	for _, id := range []string{"A7753", "L6577", "A1", long} {
		s.bank.extras["ona"] = append(s.bank.extras["ona"], holdings.Account{ID: consent.AccountID(id), Holders: []holdings.Holder{{Customer: "ona"}}})
	}
	s.given(func(c *consent.Choice) {
		c.Shares = nil
		for _, a := range s.bank.extras["ona"] {
			c.Shares = append(c.Shares, consent.Share{Account: a.ID, Clusters: consent.ClustersOf(consent.Balances)})
		}
	})
	b := s.ona()
	s.bank.away = true
	page := b.get("/")
	page.has(t, "Account •••• 7753<", "Account •••• 6577<", "Account •••• A1<", "Account •••• 1000<")
	page.hasNot(t, long, "A7753", "L6577")
}

func TestNothingToStopHasNothingToPress(t *testing.T) {
	s := newStand(t)
	b := s.ona().logIn("vilnia")
	nothing := func() {
		t.Helper()
		b.get("/").hasNot(t, `id="stop"`)
		b.get("/stop").is(t, http.StatusOK).has(t, "Nothing to stop here").hasNot(t, `id="stop-confirm"`, "takes back everything below")
	}
	nothing()
	c := s.given()
	b.get("/").has(t, `id="stop"`)
	b.get("/stop").has(t, `id="stop-confirm"`)
	b.post("/stop", "/stop", url.Values{}).has(t, `id="stopped"`)
	nothing()
	// What others gave is not this customer's to stop.
	_, err := s.book.Authorize(t.Context(), jonas(), s.request().ID, 0, consent.Choice{Shares: c.Shares[1:], CoHolders: []consent.CustomerID{"ona"}})
	s.must(err)
	nothing()
}

func TestARevokeNotInForceEverywhereCanStillBeStopped(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	s.barrier.Fail(errAway)
	b.post(pathOf(c)+"/revoke", pathOf(c)+"/revoke", url.Values{})
	b.get("/").has(t, `id="stop"`)
	b.get("/stop").has(t, `id="stop-confirm"`)
}

func TestAReceiptAndACardSayWhatWasAgreed(t *testing.T) {
	s := newStand(t)
	c := s.given()
	s.at = s.at.AddDate(0, 1, 0)
	b := s.ona()
	b.get(pathOf(c)+"/receipt").has(t, `id="unattended">Messenger may read up to 4 times a day without you`)
	card := b.get("/")
	if _, since, _ := strings.Cut(card.body, "data-since"); !strings.Contains(strings.SplitN(since, "</dd>", 2)[0], ">3 May 2026<") {
		t.Errorf("the card does not say since when:\n%s", card.body)
	}
}
