package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/registry"
	"sluice/web"
)

const (
	balances = "BALANCES:acc-current-4821"
	details  = "TRANSACTIONS_DETAILED:acc-current-4821"
	joint    = "BALANCES:acc-joint-7733"
)

func give(values ...string) url.Values {
	return url.Values{"do": {"give"}, "share": values, "look_back": {"30"}, "until": {"2026-06-30"}}
}

func TestGivingLessThanAskedGivesExactlyThat(t *testing.T) {
	s := newStand(t)
	c := s.request()
	path := s.ask(c)
	b := s.ona()
	page := b.get(path).is(t, http.StatusOK)
	page.has(t, "Messenger", "checked by Gate Keepers", "We show you where your money is.", "Everyday •••• 4821", "up to 4 times a day", "30 days, then it must be deleted")
	if got := ticked(page); len(got) > 0 {
		t.Errorf("ticked beforehand: %v", got)
	}
	b.post(path, path, give(details)).leads(t, path)
	got := s.read(c.ID)
	want := []consent.Share{{Account: "acc-current-4821", Clusters: consent.ClustersOf(consent.TransactionsBasic, consent.TransactionsDetailed)}}
	if diff := cmp.Diff(want, got.Shares); diff != "" || got.Status != consent.Active || got.LookBackDays != 30 {
		t.Errorf("%v, %d days, %s", got.Status, got.LookBackDays, diff)
	}
	if want := time.Date(2026, time.June, 30, 23, 59, 59, 0, time.UTC); !got.ValidUntil.Equal(want) {
		t.Errorf("ends %v, want %v", got.ValidUntil, want)
	}
	done := b.get(path).is(t, http.StatusOK)
	done.has(t, `data-decided="decided.given"`, `href="/authorize/ask_1"`)
	if done.header.Get("Refresh") != "0; url=/authorize/ask_1" {
		t.Errorf("goes on to %q", done.header.Get("Refresh"))
	}
}

func TestFieldsLeftAsTheyAreMeanAsAsked(t *testing.T) {
	s := newStand(t)
	c := s.request()
	path := s.ask(c)
	b := s.ona()
	page := b.get(path)
	b.post(path, path, url.Values{"do": {"give"}, "share": {balances}, "look_back": {field(page, "look_back")}, "until": {field(page, "until")}}).leads(t, path)
	if got := s.read(c.ID); !got.ValidUntil.Equal(c.ValidUntil) || got.LookBackDays != 90 {
		t.Errorf("ends %v, %d days; asked %v", got.ValidUntil, got.LookBackDays, c.ValidUntil)
	}
}

func TestBadInputOnTheConsentPageIsSaidAndChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(url.Values)
		says   string
	}{
		"nothing ticked":       {func(f url.Values) { f.Del("share") }, "Tick at least one kind"},
		"another's account":    {func(f url.Values) { f.Add("share", "BALANCES:acc-of-somebody") }, "not on this page"},
		"a kind not asked for": {func(f url.Values) { f.Add("share", "CARDS:acc-current-4821") }, "not on this page"},
		"a kind unheard of":    {func(f url.Values) { f.Add("share", "EVERYTHING:acc-current-4821") }, "not on this page"},
		"nonsense":             {func(f url.Values) { f.Add("share", "\x00<script>") }, "not on this page"},
		"too many days":        {func(f url.Values) { f.Set("look_back", "91") }, "between 1 and 90"},
		"no days":              {func(f url.Values) { f.Set("look_back", "0") }, "between 1 and 90"},
		"days in words":        {func(f url.Values) { f.Set("look_back", "ninety") }, "between 1 and 90"},
		"an end too late":      {func(f url.Values) { f.Set("until", "2027-12-31") }, "Choose a day from today"},
		"an end that is over":  {func(f url.Values) { f.Set("until", "2026-05-02") }, "Choose a day from today"},
		"an end in words":      {func(f url.Values) { f.Set("until", "tomorrow") }, "Choose a day from today"},
		"February 30th":        {func(f url.Values) { f.Set("until", "2026-02-30") }, "Choose a day from today"},
		"another revision":     {func(f url.Values) { f.Set("revision", "7") }, "changed in between"},
		"no revision":          {func(f url.Values) { f.Set("revision", "x") }, "changed in between"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			before := s.request()
			path := s.ask(before)
			form := give(balances)
			c.change(form)
			got := s.ona().post(path, path, form).is(t, http.StatusBadRequest)
			got.has(t, `id="problems"`, c.says)
			if want := form["share"]; len(want) == 1 && !slices.Equal(ticked(got), want) {
				t.Errorf("ticked is %v, was %v", ticked(got), want)
			}
			if v := form.Get("look_back"); v != "" && field(got, "look_back") != v {
				t.Errorf("days are refilled as %q, was %q", field(got, "look_back"), v)
			}
			if diff := cmp.Diff(before, s.read(before.ID)); diff != "" {
				t.Errorf("something changed: %s", diff)
			}
		})
	}
}

func TestAFormThatSaysNeitherYesNorNoIsRefused(t *testing.T) {
	s := newStand(t)
	c := s.request()
	path := s.ask(c)
	s.ona().post(path, path, url.Values{"do": {"perhaps"}}).is(t, http.StatusBadRequest)
	if s.read(c.ID).Status != consent.Pending {
		t.Error("it was decided")
	}
}

func TestEverythingCanBeTickedWithoutAScript(t *testing.T) {
	s := newStand(t)
	path := s.ask(s.request())
	b := s.ona()
	all := b.post(path, path, url.Values{"do": {"all"}, "look_back": {"12"}}).is(t, http.StatusOK)
	if n := len(ticked(all)); n != 8 {
		t.Errorf("%d ticked, want 4 kinds of 2 accounts", n)
	}
	if field(all, "look_back") != "12" {
		t.Error("the days that were filled in are lost")
	}
	if none := b.post(path, path, url.Values{"do": {"none"}}); len(ticked(none)) != 0 {
		t.Error("something is still ticked")
	}
}

func TestADecisionIsMadeOnce(t *testing.T) {
	s := newStand(t)
	c := s.request()
	path := s.ask(c)
	b := s.ona()
	form := give(balances)
	b.post(path, path, form).leads(t, path)
	given := s.read(c.ID)
	again := b.do(http.MethodPost, path, form).is(t, http.StatusConflict)
	again.has(t, "decided already", `data-again="true"`)
	form.Set("do", "refuse")
	b.do(http.MethodPost, path, form).is(t, http.StatusConflict)
	if diff := cmp.Diff(given, s.read(c.ID)); diff != "" {
		t.Errorf("something changed: %s", diff)
	}
}

func TestRefusingWorksWithoutTheBank(t *testing.T) {
	s := newStand(t)
	c := s.request()
	path := s.ask(c)
	b := s.ona()
	s.bank.away = true
	page := b.get(path).is(t, http.StatusOK)
	page.has(t, `id="bank-down"`, "does not answer", `id="refuse"`)
	page.hasNot(t, `id="give"`)
	b.post(path, path, give(balances)).is(t, http.StatusServiceUnavailable)
	if s.read(c.ID).Status != consent.Pending {
		t.Fatal("something was given while the bank did not answer")
	}
	b.post(path, path, url.Values{"do": {"refuse"}}).leads(t, path)
	b.get(path).has(t, "You refused")
	if s.read(c.ID).Status != consent.Rejected {
		t.Error("it was not refused")
	}
}

func TestNothingCanBeGivenToASuspendedPartner(t *testing.T) {
	s := newStand(t)
	c := s.request()
	path := s.ask(c)
	s.parties.partners["messenger"] = registry.Partner{ID: "messenger", Name: "Messenger", Standing: registry.Suspended}
	b := s.ona()
	page := b.get(path)
	page.has(t, `id="stopped"`)
	page.hasNot(t, `id="give"`)
	b.post(path, path, give(balances)).is(t, http.StatusServiceUnavailable)
	if s.read(c.ID).Status != consent.Pending {
		t.Error("it was given")
	}
}

func TestARequestInAnotherBrowserIsNotShown(t *testing.T) {
	s := newStand(t)
	path := s.ask(s.request())
	b := s.ona()
	delete(b.cookies, "asker")
	b.get(path).is(t, http.StatusNotFound).hasNot(t, "Messenger")
	b.cookies["asker"] = "yes"
	b.get("/ask/ask_2").is(t, http.StatusGone)
	s.asks.err = errAway
	b.get(path).is(t, http.StatusServiceUnavailable)
}

func TestARequestThatReturnsElsewhereIsNotFollowed(t *testing.T) {
	for _, to := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"} {
		s := newStand(t)
		path := s.ask(s.request())
		s.asks.asks["ask_1"] = web.Ask{Consent: s.asks.asks["ask_1"].Consent, Bank: "morava", Partner: "messenger", ReturnTo: to}
		s.ona().get(path).is(t, http.StatusInternalServerError).hasNot(t, "evil")
	}
}

func TestWhoIsNotLoggedInIsToldWhoAsksAndSentToThatBank(t *testing.T) {
	s := newStand(t)
	path := s.ask(s.request())
	b := s.browser()
	page := b.get(path).is(t, http.StatusOK)
	page.has(t, "Messenger", "checked by Gate Keepers", `href="/login/morava?next=%2Fask%2Fask_1"`)
	to := b.get("/login/morava?next=%2Fask%2Fask_1")
	u, _ := url.Parse(to.header.Get("Location"))
	b.get("/login/callback?code=c&state="+u.Query().Get("state")).leads(t, path)
	b.get(path).has(t, `id="give"`)
	// A form from before the login decides nothing.
	other := s.browser()
	other.post(path, path, give(balances)).is(t, http.StatusForbidden)
}

func TestARequestOverGRPCIsForCustomersOfItsBank(t *testing.T) {
	s := newStand(t)
	c := s.request()
	path := "/give/" + string(c.ID)
	b := s.browser()
	b.get(path).leads(t, "/login?next="+url.QueryEscape(path))
	b.logIn("vilnia").get(path).is(t, http.StatusNotFound).hasNot(t, "Messenger")
	b.logIn("morava").post(path, path, give(balances)).leads(t, path)
	done := b.get(path)
	done.has(t, `data-decided="decided.given"`)
	if done.header.Get("Refresh") != "" {
		t.Error("goes on to somewhere")
	}
	// Another customer of the bank comes too late, and learns nothing.
	other := s.as("petras", "Petras")
	other.get(path).is(t, http.StatusNotFound)
	if a, b := other.get(path).body, other.get("/give/con_NONE").body; strings.ReplaceAll(a, string(c.ID), "con_NONE") != b {
		t.Error("a request of somebody else differs from none")
	}
}

func TestARequestNobodyDecidedInTimeIsOver(t *testing.T) {
	s := newStand(t)
	c := s.request()
	path := s.ask(c)
	b := s.ona()
	form := give(balances)
	form.Set("csrf", field(b.get(path), "csrf"))
	form.Set("revision", "1")
	for range 3 { // the session lives on
		s.at = s.at.Add(consent.AuthorizationTimeout / 3)
		b.get("/login")
	}
	b.do(http.MethodPost, path, form).is(t, http.StatusConflict).has(t, "This request is over")
	if s.read(c.ID).Status != consent.Pending {
		t.Error("it was decided")
	}
}

func TestAJointAccountWaitsForTheOtherHolder(t *testing.T) {
	s := newStand(t)
	s.bank.joint = true
	c := s.request()
	path := s.ask(c)
	b := s.ona()
	b.get(path).has(t, "Jonas Jonaitis", `id="hidden"`)
	b.post(path, path, give(joint, balances)).leads(t, path)
	got := s.read(c.ID)
	if got.Status != consent.PartiallyAuthorized || !slices.Equal(got.Awaiting, []consent.CustomerID{"jonas"}) {
		t.Fatalf("%v waits for %v", got.Status, got.Awaiting)
	}
	b.get(path).has(t, `data-decided="decided.waiting"`)

	other := s.jonas()
	other.get("/").has(t, "Waiting for your agreement", "Given by: Ona Jonaitė")
	at := "/consents/" + string(c.ID)
	page := other.get(at).is(t, http.StatusOK)
	page.has(t, `id="agree"`, "Household")
	page.hasNot(t, "Everyday", "4821", "acc-current")
	other.post(at, at+"/agree", url.Values{}).leads(t, at+"?done=agreed")
	if got := s.read(c.ID); got.Status != consent.Active {
		t.Errorf("%v after both agreed", got.Status)
	}
}

func TestAHolderWhoNeedNotAgreeSeesTheConsentAndMayWithdraw(t *testing.T) {
	s := newStand(t)
	c := s.request()
	path := s.ask(c)
	b := s.ona()
	b.get(path).has(t, "You may share it alone", "can take the account out")
	b.post(path, path, give(joint, balances)).leads(t, path)
	if got := s.read(c.ID); got.Status != consent.Active {
		t.Fatalf("%v, though nobody else must agree", got.Status)
	}
	other, at := s.jonas(), "/consents/"+string(c.ID)
	other.get("/").has(t, "Given by others", "Given by: Ona Jonaitė")
	page := other.get(at).is(t, http.StatusOK)
	page.has(t, "Household", "data-withdraw")
	page.hasNot(t, "Everyday", `id="agree"`, `id="revoke"`)
	other.post(at+"/withdraw?account=acc-joint-7733", at+"/withdraw", url.Values{"account": {"acc-joint-7733"}}).leads(t, at+"?done=withdrawn")
	other.get("/").has(t, `data-notice="out"`)
	if got := s.read(c.ID); len(got.Shares) != 1 || got.Shares[0].Account != "acc-current-4821" {
		t.Errorf("%v is shared", got.Shares)
	}
}

func TestACoHolderWhoFollowsTheLinkOfTheRequestIsNotToldOthersDecisionAsTheirs(t *testing.T) {
	s := newStand(t)
	c := s.givenBy(ona(), func(c *consent.Choice) { c.CoHolders = []consent.CustomerID{"jonas"} })
	s.jonas().get("/give/"+string(c.ID)).leads(t, "/consents/"+string(c.ID))
}

func TestOneWhoHoldsNoneOfTheAccountsAnyMoreCanNotAgree(t *testing.T) {
	s := newStand(t)
	c := s.givenBy(ona(), func(c *consent.Choice) { c.CoHolders = []consent.CustomerID{"petras"} })
	other, at := s.as("petras", "Petras"), "/consents/"+string(c.ID)
	page := other.get(at).is(t, http.StatusOK)
	page.hasNot(t, `id="agree"`, "Household")
	page.has(t, `id="refuse"`)
	other.do(http.MethodPost, at+"/agree", url.Values{"csrf": {field(page, "csrf")}, "revision": {"2"}}).is(t, http.StatusConflict)
	if got := s.read(c.ID); got.Status != consent.PartiallyAuthorized {
		t.Errorf("%v", got.Status)
	}
}

func TestACoHolderMayRefuseWithoutTheBankAndNotAgree(t *testing.T) {
	s := newStand(t)
	s.bank.joint = true
	c := s.request()
	path := s.ask(c)
	s.ona().post(path, path, give(joint)).leads(t, path)
	other := s.jonas()
	s.bank.away = true
	at := "/consents/" + string(c.ID)
	page := other.get(at)
	page.has(t, `id="refuse"`)
	page.hasNot(t, `id="agree"`, "7733")
	other.post(at, at+"/agree", url.Values{}).is(t, http.StatusServiceUnavailable)
	other.post(at, at+"/refuse", url.Values{}).leads(t, at+"?done=refused")
	if got := s.read(c.ID); got.Status != consent.Rejected {
		t.Errorf("%v after a refusal", got.Status)
	}
}

func TestKeepingItFromOthersAsksNobody(t *testing.T) {
	for _, must := range []bool{true, false} {
		s := newStand(t)
		s.bank.joint = must
		c := s.request()
		path := s.ask(c)
		form := give(joint)
		form.Set("hidden", "yes")
		s.ona().post(path, path, form).leads(t, path)
		got := s.read(c.ID)
		if got.Status != consent.Active || !got.Hidden || len(got.CoHolders) > 0 {
			t.Errorf("%v, hidden %v, named %v", got.Status, got.Hidden, got.CoHolders)
		}
	}
}

// askReplacing is a request that is to replace a consent.
func (s *stand) askReplacing(old, next consent.Consent) string {
	path := s.ask(next)
	a := s.asks.asks["ask_1"]
	a.Replaces = old.ID
	s.asks.asks["ask_1"] = a
	return path
}

func TestARequestThatReplacesAConsentShowsWhatChanges(t *testing.T) {
	wider := func(asked *consent.Terms) {
		asked.Clusters = consent.ClustersOf(consent.AccountBasic, consent.Balances, consent.Cards)
		asked.UnattendedPerDay, asked.ValidUntil = 24, asked.ValidUntil.Add(100*24*time.Hour)
	}
	s := newStand(t)
	old := s.given()
	s.at = s.at.Add(48 * time.Hour)
	path := s.askReplacing(old, s.request(wider))
	b := s.ona()
	page := b.get(path).is(t, http.StatusOK)
	page.has(t, "This replaces what you gave on 3 May 2026", "Everyday •••• 4821</bdi></strong>: That the account exists; Balances",
		`id="replaces-new">Cards<`, `id="replaces-gone">Transactions, with names and texts<`,
		"Now: up to 4 times a day. Then: up to 24 times a day.", "Now: 90 days. Then: none.", "Now: 30 October 2026, 14:03 UTC. Then: 9 February 2027, 14:03 UTC.")
	page.hasNot(t, `data-moved="ask.retention"`, `data-moved="ask.why"`, `id="replaces-same"`)
	b.lang = "lt"
	b.get(path).has(t, "Tai pakeistų, ką leidote 2026 m. gegužės 3 d.", "Dabar: 90 dienų. Būtų: nė vienos dienos.", `id="replaces-new">Kortelės<`)
	// What is wrong with the form keeps it in sight.
	b.lang = "en"
	b.post(path, path, url.Values{"do": {"give"}}).is(t, http.StatusBadRequest).has(t, `id="replaces"`)

	s.bank.away = true
	b.get(path).is(t, http.StatusOK).has(t, `id="replaces-new">Cards<`, "•••• 4821")
}

func TestARequestForTheSameAgainSaysThatNothingElseChanges(t *testing.T) {
	s := newStand(t)
	old := s.given(func(c *consent.Choice) {
		c.Shares[0].Clusters |= c.Shares[1].Clusters
	})
	s.ona().get(s.askReplacing(old, s.request())).has(t, `id="replaces-same"`)
}

func TestWhatIsReplacedIsShownOnlyToWhoGaveItAndWhileItStands(t *testing.T) {
	for name, old := range map[string]func(*stand) consent.Consent{
		"another customer's": func(s *stand) consent.Consent { return s.givenBy(jonas()) },
		"a co-holder's": func(s *stand) consent.Consent {
			return s.givenBy(jonas(), func(c *consent.Choice) { c.Informed = []consent.CustomerID{"ona"} })
		},
		"one that ended": func(s *stand) consent.Consent {
			c := s.given()
			_, err := s.book.Revoke(t.Context(), ona(), c.ID)
			s.must(err)
			return c
		},
		"one that does not exist": func(*stand) consent.Consent { return consent.Consent{ID: "con_NONE"} },
		"none":                    func(*stand) consent.Consent { return consent.Consent{} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			path := s.askReplacing(old(s), s.request())
			s.ona().get(path).is(t, http.StatusOK).hasNot(t, `id="replaces"`, "This replaces")
		})
	}
}
