package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/refusal"
)

func pathOf(c consent.Consent) string { return "/consents/" + string(c.ID) }

func TestRevokingAsksNoBankAndSaysWhenItIsEffective(t *testing.T) {
	s := newStand(t)
	c := s.given()
	s.log.last = map[consent.ID]time.Time{c.ID: s.at.Add(-time.Hour)}
	b := s.ona()
	s.bank.away = true
	asked := s.bank.asked.Load()
	at := pathOf(c) + "/revoke"
	b.get(at).is(t, http.StatusOK).has(t, `id="revoke-confirm"`, "Take back what you gave Messenger?")
	b.post(at, at, url.Values{}).leads(t, at)
	b.get(at).has(t, "Revoked at 14:03:07. It is effective everywhere.", "13:03:07", `data-status="CONSENT_STATUS_REVOKED"`)
	if s.bank.asked.Load() != asked {
		t.Errorf("the bank was asked %d times", s.bank.asked.Load()-asked)
	}
	if got := s.read(c.ID); got.Status != consent.Revoked || got.ChangedAt != s.at {
		t.Errorf("%v at %v", got.Status, got.ChangedAt)
	}
}

func TestARevokeNotYetInForceEverywhereSaysSo(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	at := pathOf(c) + "/revoke"
	s.barrier.Fail(errors.New("replica 2 is silent"))
	got := b.post(at, at, url.Values{}).is(t, http.StatusOK)
	got.has(t, `id="revoking"`, "Nothing new is given since", `id="revoke-again"`)
	got.hasNot(t, "effective everywhere.</", "replica")
	b.get("/").has(t, "Being taken back")
	s.barrier.Fail(nil)
	b.post(at, at, url.Values{}).leads(t, at)
	b.get(at).has(t, `id="revoked-at"`)
}

func TestARevokeThatWaitsLongSaysHowItStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		c := s.given()
		b := s.ona()
		at := pathOf(c) + "/revoke"
		s.barrier.hangs = true
		b.post(at, at, url.Values{}).is(t, http.StatusOK).has(t, `id="revoking"`)
		b.post("/stop", "/stop", url.Values{}).is(t, http.StatusOK).has(t, `id="stopped-partly"`)
	})
}

func TestRevokingWorksWhileTheRecordOfReadsIsAway(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	s.log.away = true
	at := pathOf(c) + "/revoke"
	b.post(at, at, url.Values{}).leads(t, at)
	b.get(at).has(t, "Revoked at 14:03:07", "can't be shown now")
	b.get("/").is(t, http.StatusOK)
	b.get(pathOf(c)).is(t, http.StatusOK)
}

func TestRevokingWhatEndedSaysSo(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	s.at = c.ValidUntil
	b = b.logIn("morava")
	_, err := s.book.Expire(t.Context(), c.ID)
	s.must(err)
	at := pathOf(c) + "/revoke"
	b.get(at).has(t, "has ended already")
	form := url.Values{"csrf": {field(b.get("/"), "csrf")}}
	b.do(http.MethodPost, at, form).is(t, http.StatusConflict)
}

func TestConsentsOfOthersAndNoneAreTheSamePage(t *testing.T) {
	s := newStand(t)
	c := s.given()
	other := s.as("petras", "Petras")
	for _, below := range []string{"", "/narrow", "/renew", "/revoke", "/receipt", "/receipt.jwt", "/withdraw?account=acc-current-4821"} {
		theirs := other.get(pathOf(c)+below).is(t, http.StatusNotFound)
		none := other.get("/consents/con_NONE"+below).is(t, http.StatusNotFound)
		if strings.ReplaceAll(theirs.body, string(c.ID), "con_NONE") != none.body {
			t.Errorf("%q: another's consent differs from none", below)
		}
	}
	form := url.Values{"csrf": {field(other.get("/"), "csrf")}, "revision": {"2"}, "account": {"acc-current-4821"}}
	for _, below := range []string{"/narrow", "/renew", "/pause", "/resume", "/revoke", "/withdraw", "/agree", "/refuse"} {
		other.do(http.MethodPost, pathOf(c)+below, form).is(t, http.StatusNotFound)
	}
	if diff := cmp.Diff(c, s.read(c.ID)); diff != "" {
		t.Errorf("something changed: %s", diff)
	}
}

func TestACoHolderSeesNothingOfAHiddenConsent(t *testing.T) {
	pages := func(hide bool) []string {
		s := newStand(t)
		var id consent.ID = "con_NONE"
		if hide {
			id = s.given(func(c *consent.Choice) { c.Hidden = true }).ID
		}
		s.log.days = []disclosure.DayCount{{Day: consent.DayOf(s.at), Releases: 3}}
		b := s.jonas()
		b.cookies[session] = "SESSIONSESSIONSESSIONSESSION"
		for k, kept := range s.sessions.sessions {
			delete(s.sessions.sessions, k)
			s.sessions.sessions[hashOf("SESSIONSESSIONSESSIONSESSION")] = kept
		}
		var out []string
		for _, path := range []string{"/", "/stop", "/login", "/consents/" + string(id), "/consents/" + string(id) + "/withdraw?account=acc-joint-7733"} {
			got := b.get(path)
			out = append(out, fmt.Sprint(got.status, got.header, strings.ReplaceAll(got.body, string(id), "con_NONE")))
		}
		form := url.Values{"csrf": {field(b.get("/"), "csrf")}, "revision": {"2"}, "account": {"acc-joint-7733"}}
		for _, below := range []string{"/withdraw", "/agree", "/refuse", "/revoke", "/pause"} {
			got := b.do(http.MethodPost, "/consents/"+string(id)+below, form)
			out = append(out, fmt.Sprint(got.status, got.header, strings.ReplaceAll(got.body, string(id), "con_NONE")))
		}
		return out
	}
	if diff := cmp.Diff(pages(false), pages(true)); diff != "" {
		t.Errorf("a hidden consent shows: %s", diff)
	}
}

func TestNarrowingLeavesWhatIsTicked(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	at := pathOf(c) + "/narrow"
	page := b.get(at).is(t, http.StatusOK)
	if want := []string{"ACCOUNT_BASIC:acc-current-4821", balances, "TRANSACTIONS_BASIC:acc-joint-7733", "TRANSACTIONS_DETAILED:acc-joint-7733"}; !slices.Equal(ticked(page), want) {
		t.Errorf("ticked %v", ticked(page))
	}
	b.post(at, at, url.Values{"share": {balances, "TRANSACTIONS_BASIC:acc-joint-7733"}, "look_back": {"7"}, "until": {"2026-05-10"}}).leads(t, pathOf(c)+"?done=narrowed")
	got := s.read(c.ID)
	if got.Shares[0].Clusters != consent.ClustersOf(consent.Balances) || got.LookBackDays != 7 {
		t.Errorf("left: %v, %d days", got.Shares, got.LookBackDays)
	}
	b.get(pathOf(c)+"?done=narrowed").has(t, "Less is shared from now on", "Transactions of the last 7 days")
}

func TestBadInputOnTheNarrowPageIsSaidAndChangesNothing(t *testing.T) {
	all := []string{"ACCOUNT_BASIC:acc-current-4821", balances, "TRANSACTIONS_BASIC:acc-joint-7733", "TRANSACTIONS_DETAILED:acc-joint-7733"}
	for name, c := range map[string]struct {
		form url.Values
		says string
	}{
		"nothing left":          {url.Values{}, "Nothing would be left"},
		"nothing less":          {url.Values{"share": all}, "Nothing would be less"},
		"wider":                 {url.Values{"share": append(slices.Clone(all), details)}, "not on this page"},
		"more days":             {url.Values{"share": {balances}, "look_back": {"91"}}, "between 1 and 90"},
		"a later end":           {url.Values{"share": {balances}, "until": {"2028-01-01"}}, "Choose a day from today"},
		"an older page's form":  {url.Values{"share": {balances}, "revision": {"1"}}, "changed in between"},
		"a form with no number": {url.Values{"share": {balances}, "revision": {""}}, "changed in between"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			before := s.given()
			at := pathOf(before) + "/narrow"
			s.ona().post(at, at, c.form).is(t, http.StatusBadRequest).has(t, `id="problems"`, c.says)
			if diff := cmp.Diff(before, s.read(before.ID)); diff != "" {
				t.Errorf("something changed: %s", diff)
			}
		})
	}
}

func TestRenewingWithinAYear(t *testing.T) {
	for name, c := range map[string]struct {
		until  string
		status int
	}{
		"later": {"2026-12-31", 303}, "a year": {"2027-05-04", 303}, "beyond a year": {"2027-05-05", 400},
		"earlier": {"2026-06-01", 400}, "none": {"", 400}, "words": {"later", 400},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			before := s.given()
			at := pathOf(before) + "/renew"
			got := s.ona().post(at, at, url.Values{"until": {c.until}}).is(t, c.status)
			after := s.read(before.ID)
			if c.status == 400 {
				got.has(t, `id="problems"`, "not after 4 May 2027")
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("something changed: %s", diff)
				}
			} else if !after.ValidUntil.After(before.ValidUntil) {
				t.Error("it ends as before")
			}
		})
	}
}

func TestThePartnersWishIsShownAndCanBeMet(t *testing.T) {
	s := newStand(t)
	c := s.given()
	wish := c.ValidUntil.Add(30 * 24 * time.Hour)
	_, err := s.book.AskRenewal(t.Context(), consent.ByPartner("messenger"), c.ID, wish)
	s.must(err)
	b := s.ona()
	_, err = s.book.Suspend(t.Context(), consent.ByBank("morava"), c.ID)
	s.must(err)
	b.get("/").hasNot(t, pathOf(c)+"/renew") // it can't be answered now
	_, err = s.book.Unsuspend(t.Context(), consent.ByBank("morava"), c.ID)
	s.must(err)
	b.get("/").has(t, `data-notice="renewal"`, "Messenger asks for a later end", pathOf(c)+"/renew")
	at := pathOf(c) + "/renew"
	page := b.get(at)
	page.has(t, `id="wish"`)
	b.post(at, at, url.Values{"until": {field(page, "until")}}).leads(t, pathOf(c)+"?done=renewed")
	if got := s.read(c.ID); !got.ValidUntil.Equal(wish) || !got.RenewalAsked.IsZero() {
		t.Errorf("ends %v, wished %v", got.ValidUntil, got.RenewalAsked)
	}
}

func TestPausingAndResuming(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	at := pathOf(c)
	b.post(at, at+"/pause", url.Values{"revision": {"x"}}).is(t, http.StatusBadRequest)
	form := url.Values{"csrf": {field(b.get(at), "csrf")}, "revision": {"2"}}
	b.get(at+"?done=paused").hasNot(t, `id="said"`) // a link that says what is not so
	b.do(http.MethodPost, at+"/pause", form).leads(t, at+"?done=paused")
	b.get(at+"?done=paused").has(t, `data-said="done.paused"`)
	b.do(http.MethodPost, at+"/pause", form).is(t, http.StatusConflict).has(t, "changed in between")
	b.get(at).has(t, `id="resume"`, "Paused")
	form.Set("revision", "3")
	b.do(http.MethodPost, at+"/resume", form).leads(t, at+"?done=resumed")
	if got := s.read(c.ID); got.Status != consent.Active {
		t.Errorf("%v", got.Status)
	}
}

func TestAPauseBecauseNobodyUsedItIsTold(t *testing.T) {
	s := newStand(t)
	c := s.given()
	s.at = s.at.Add(consent.UnusedFor)
	next, change, err := s.read(c.ID).PauseUnused(time.Time{}, s.at)
	s.must(err)
	s.must(s.store.Replace(t.Context(), next, change))
	s.ona().get("/").has(t, `data-notice="unused"`, "nobody used it for 90 days")
}

func TestTakingAnAccountOut(t *testing.T) {
	s := newStand(t)
	c := s.given(func(c *consent.Choice) { c.CoHolders = []consent.CustomerID{"jonas"} })
	_, err := s.book.Authorize(t.Context(), jonas(), c.ID, 0, consent.Choice{Shares: c.Shares})
	s.must(err)
	other := s.jonas()
	at := pathOf(c) + "/withdraw?account=acc-joint-7733"
	other.get(pathOf(c)).has(t, "data-withdraw", "Household")
	other.get(pathOf(c)+"/withdraw?account=acc-current-4821").is(t, http.StatusNotFound)
	other.get(at).has(t, "Take this account out?", "Household •••• 7733")
	other.post(at, pathOf(c)+"/withdraw", url.Values{"account": {"acc-current-4821"}}).is(t, http.StatusNotFound)
	s.bank.away = true
	form := url.Values{"csrf": {field(other.get("/"), "csrf")}, "revision": {"3"}, "account": {"acc-joint-7733"}}
	other.do(http.MethodPost, pathOf(c)+"/withdraw", form).is(t, http.StatusServiceUnavailable)
	s.bank.away = false
	other.do(http.MethodPost, pathOf(c)+"/withdraw", form).leads(t, pathOf(c)+"?done=withdrawn")
	left := s.read(c.ID)
	if len(left.Shares) != 1 || left.Shares[0].Account != "acc-current-4821" {
		t.Fatalf("left: %v", left.Shares)
	}
	// The one who gave it needs no bank for that.
	b := s.ona()
	s.bank.away = true
	at = pathOf(c) + "/withdraw?account=acc-current-4821"
	b.get(at).has(t, "the consent ends with it", "Account •••• 4821")
	b.post(at, pathOf(c)+"/withdraw", url.Values{"account": {"acc-current-4821"}}).leads(t, pathOf(c)+"?done=withdrawn")
	if s.read(c.ID).Status != consent.Revoked {
		t.Error("the last account is out and the consent goes on")
	}
}

func TestACoHolderCanDoNothingElse(t *testing.T) {
	s := newStand(t)
	c := s.given(func(c *consent.Choice) { c.CoHolders = []consent.CustomerID{"jonas"} })
	other := s.jonas()
	page := other.get(pathOf(c))
	page.hasNot(t, `id="revoke"`, `id="narrow"`, `id="disclosures"`, "Everyday", `id="receipt"`)
	for _, below := range []string{"/narrow", "/renew", "/revoke", "/receipt", "/receipt.jwt"} {
		other.get(pathOf(c)+below).is(t, http.StatusNotFound)
	}
	form := url.Values{"csrf": {field(page, "csrf")}, "revision": {"2"}}
	for _, below := range []string{"/narrow", "/renew", "/revoke", "/pause", "/resume"} {
		other.do(http.MethodPost, pathOf(c)+below, form).is(t, http.StatusNotFound)
	}
}

func TestWhatWasReadIsShownByDayAndPaged(t *testing.T) {
	s := newStand(t)
	c := s.given()
	for i := range 60 {
		s.log.records = append(s.log.records, disclosure.Record{
			ID: disclosure.ID(fmt.Sprint("dis_", i)), Seq: int64(60 - i), Consent: c.ID, Method: "sluice.partner.v1.AccountService/ListBalances",
			Accounts: []consent.AccountID{"acc-current-4821"}, Clusters: consent.ClustersOf(consent.Balances), Unattended: i%2 == 0, Items: 1,
			At: s.at.Add(-time.Duration(i) * time.Hour), Outcome: disclosure.Outcome(i % 3),
		})
	}
	s.log.days = []disclosure.DayCount{{Day: consent.DayOf(s.at), Releases: 19, Unattended: 11, Events: 4}, {Day: consent.DayOf(s.at) - 1, Releases: 1}}
	s.log.refusals = []disclosure.RefusalCount{
		{Day: consent.DayOf(s.at), Reason: refusal.AccessLimitReached, Count: 2, Last: s.at},
		{Day: consent.DayOf(s.at) - 1, Reason: refusal.AccessLimitReached, Count: 1, Last: s.at.Add(-24 * time.Hour)},
	}
	b := s.ona()
	page := b.get(pathOf(c))
	page.has(t, "<svg", "<title", "3 May 2026", "2 May 2026", "Without you.", "Everyday •••• 4821", "Read 16 times in 30 days.", "7 times without you.", "Told of news 4 times.",
		"as often as it may that day without you. 3 times.", "Held back after all", pathOf(c)+"?before=11#disclosures")
	if n := strings.Count(page.body, "data-disclosure="); n != 50 {
		t.Errorf("%d on the page", n)
	}
	if n := strings.Count(b.get(pathOf(c)+"?before=11").body, "data-disclosure="); n != 10 {
		t.Errorf("%d on the next", n)
	}
	b.get(pathOf(c)+"?before=nonsense").is(t, http.StatusOK)
}

func TestTheReceiptIsOfAllFacts(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	b.get(pathOf(c)+"/receipt").is(t, http.StatusOK).has(t, string(c.ID), "Messenger", "Everyday", "You: agreed", "We show you where your money is.")
	file := b.get(pathOf(c)+"/receipt.jwt").is(t, http.StatusOK)
	if file.header.Get("Content-Type") != "application/jwt" || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") || file.body != "e30.e30.c2ln" {
		t.Errorf("%v %q", file.header, file.body)
	}
	if f := s.receipts.facts; f.Consent.ID != c.ID || len(f.History) != 2 || f.PartnerName != "Messenger" || f.BankName != "Morava Bank" || f.At != s.at {
		t.Errorf("facts %+v", f)
	}
	s.receipts.err = errAway
	b.get(pathOf(c)+"/receipt.jwt").is(t, http.StatusServiceUnavailable)
}
