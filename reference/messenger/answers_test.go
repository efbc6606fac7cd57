package messenger_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func purchase(id, merchant, category string, units int64, on time.Time) *datav1.Transaction {
	return &datav1.Transaction{
		TransactionId: id, Amount: czk(units, 0), BookingDate: dayOf(on), Status: datav1.TransactionStatus_TRANSACTION_STATUS_POSTED,
		Kind:         datav1.TransactionKind_TRANSACTION_KIND_CARD_PURCHASE,
		CardPurchase: &datav1.CardPurchase{MerchantName: merchant, Category: category},
	}
}

func TestPaymentsAndSpendingAreShownAsTables(t *testing.T) {
	w := newWorld(t)
	w.g.transactions = []*datav1.Transaction{
		purchase("1", "CORNER SHOP", "groceries", -300, w.g.now.AddDate(0, 0, -3)),
		purchase("2", "TRAM", "transport", -100, w.g.now.AddDate(0, 0, -4)),
	}
	w.connect("morava", "money")
	w.post("/ask", "text", "show my last card payments").must(t,
		"Morava: your last card payments", "CORNER SHOP", "\u2212300.00\u00a0CZK", "22 Nov 2026")
	w.post("/ask", "text", "what did I spend this month?").must(t, "Morava: what you spent, 1 Nov 2026 to 25 Nov 2026", "<svg", "400.00\u00a0CZK", "75\u00a0%")
	w.post("/ask", "text", "what did I spend on food this month?").must(t, "what you spent on food", "300.00\u00a0CZK")
}

func TestSeveralBanksAnswerSideBySideAndOneMayFail(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	w.connect("morava", "money")
	w.connect("oxford", "money")
	w.g.unready["ListBalances"] = refused("BANK_UNAVAILABLE", codes.Unavailable)
	got := w.post("/ask", "text", "How much do I have?")
	if n := strings.Count(got.text, "what you have</caption>"); n != 1 || strings.Count(got.text, "does not answer just now") != 1 {
		t.Errorf("%d banks answered:\n%s", n, got.text)
	}
}

func TestWhatIsNotUnderstoodIsSaidAndTheBankOffered(t *testing.T) {
	w := newWorld(t)
	w.post("/ask", "text", "colourless green ideas").must(t, "I do not know", `href="/connect"`)
	consent := w.connect("morava", "service")
	w.post("/ask", "text", "colourless <b>green</b> ideas").must(t,
		"I do not know", `action="/talk/`+consent+`"`, `value="colourless &lt;b&gt;green&lt;/b&gt; ideas"`, "Send this question to Morava")
}

func TestAnAnswerGoesWhenItsTimeIsOver(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	w.connect("morava", "money")
	w.post("/ask", "text", "How much do I have?").must(t, "42.50")
	w.get("/holds").must(t, "Answer: balances")
	w.g.pass(7 * 24 * time.Hour)
	gone := w.get("/")
	gone.mustNot(t, "42.50")
	gone.must(t, "This answer of Morava was deleted")
	w.get("/holds").mustNot(t, "Answer: balances")
}

func TestANarrowedConsentChangesTheAnswers(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42), balanceOf(account2, 77))
	consent := w.connect("morava", "money")
	w.run()
	w.post("/ask", "text", "How much do I have?").must(t, "42.50", "77.50")
	narrowed := w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE, func(c *consentv1.Consent) { c.Shares = c.Shares[:1] })
	if a := w.g.tell(narrowed, consentv1.ChangeKind_CHANGE_KIND_NARROW); a.GetError() != "" {
		t.Fatalf("the change was not taken: %s", a.GetError())
	}
	page := w.get("/")
	page.mustNot(t, "42.50", "77.50")
	page.must(t, "You share less now")
	again := w.post("/ask", "text", "How much do I have?")
	again.must(t, "42.50")
	again.mustNot(t, "77.50")
}

func TestALookBackThatShrankTakesPaymentsAway(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	w.g.transactions = []*datav1.Transaction{purchase("1", "CORNER SHOP", "groceries", -300, w.g.now.AddDate(0, 0, -60))}
	consent := w.connect("morava", "money")
	w.run()
	w.post("/ask", "text", "How much do I have?")
	w.post("/ask", "text", "show my last card payments").must(t, "CORNER SHOP", "42.50")
	c := w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE, func(c *consentv1.Consent) { c.LookBackDays = 30 })
	w.g.tell(c, consentv1.ChangeKind_CHANGE_KIND_NARROW)
	page := w.get("/")
	page.mustNot(t, "CORNER SHOP")
	page.must(t, "42.50")
}

func TestANarrowedConsentThatCannotBeReadKeepsNothing(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	consent := w.connect("morava", "money")
	w.run()
	w.post("/ask", "text", "How much do I have?").must(t, "42.50")
	c := w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE, func(c *consentv1.Consent) { c.Shares = c.Shares[1:] })
	w.g.mu.Lock()
	w.g.unready["GetConsent"] = refused("RECORD_UNAVAILABLE", codes.Unavailable)
	w.g.mu.Unlock()
	if a := w.g.tell(c, consentv1.ChangeKind_CHANGE_KIND_NARROW); a.GetError() == "" {
		t.Error("it was acknowledged as done")
	}
	w.get("/").mustNot(t, "42.50")
}

func TestARefusalThatSaysTheConsentEndedEndsIt(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	consent := w.connect("morava", "money")
	w.post("/ask", "text", "How much do I have?").must(t, "42.50")
	w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_REVOKED)
	page := w.post("/ask", "text", "How much do I have?")
	page.must(t, "This has ended: it was taken back.", "All that came by it is deleted here")
	page.mustNot(t, "42.50")
}

func TestWhatArrivesAfterTheEndIsNotShown(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	consent := w.connect("morava", "money")
	w.run()
	w.g.began = func(method string) {
		if method != "ListBalances" {
			return
		}
		// The bank has answered already when the end is told.
		c := w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_REVOKED)
		w.g.tell(c, consentv1.ChangeKind_CHANGE_KIND_REVOKE)
		w.g.mu.Lock()
		w.g.consents[consent].Status = consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE
		w.g.mu.Unlock()
	}
	w.post("/ask", "text", "How much do I have?").mustNot(t, "42.50")
	w.get("/holds").must(t, "Nothing.")
}

func TestAnEndedConsentIsNoticedWhileNoEventsCome(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	consent := w.connect("morava", "money")
	w.post("/ask", "text", "How much do I have?").must(t, "42.50")
	w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_REVOKED)
	w.g.pass(31 * time.Second)
	w.get("/").mustNot(t, "42.50")
}

func TestAStaleTokenIsRefreshedAndTheQuestionAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	w.connect("morava", "money")
	before := w.g.refreshed
	w.g.mu.Lock()
	clear(w.g.tokens)
	w.g.mu.Unlock()
	w.post("/ask", "text", "How much do I have?").must(t, "42.50")
	if w.g.refreshed == before {
		t.Error("no token was refreshed")
	}
}

func TestOneCustomersAnswersAreNotAnothers(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	consent := w.connect("morava", "money")
	talk := w.connect("morava", "service")
	w.post("/ask", "text", "How much do I have?")
	other := w.browser()
	w.postAs(other, "/ask", "text", "help")
	for _, path := range []string{"/", "/share", "/holds"} {
		w.getAs(other, path).mustNot(t, "42.50", consent, "Morava: ")
	}
	for _, path := range []string{"/talk/" + talk, "/next/" + consent, "/share/" + consent + "/end"} {
		if got := w.getAs(other, path); got.status != http.StatusNotFound {
			t.Errorf("%s answers another %d", path, got.status)
		}
	}
	for _, path := range []string{"/talk/" + talk, "/talk/" + talk + "/close", "/talk/" + talk + "/mark", "/alerts/" + talk, "/share/" + consent + "/end"} {
		if got := w.postAs(other, path, "text", "x", "choice", "WAS_ME"); got.status != http.StatusNotFound {
			t.Errorf("%s answers another %d", path, got.status)
		}
	}
}

func TestAnAccountThatLeftIsGoneAtOnce(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42), balanceOf(account2, 77))
	consent := w.connect("morava", "money")
	w.run()
	w.post("/ask", "text", "How much do I have?").must(t, "42.50", "77.50")
	w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE, func(c *consentv1.Consent) { c.Shares = c.Shares[:1] })
	w.g.deliver(&partnerv1.Event{
		Kind: partnerv1.EventKind_EVENT_KIND_ACCOUNT_LEFT, ConsentId: consent, AccountLeft: &partnerv1.AccountLeft{AccountId: account2},
	})
	w.get("/").mustNot(t, "77.50")
	w.post("/ask", "text", "How much do I have?").must(t, "42.50")
}

func TestWhatBanksAreAskedAboutPaymentsIsShownWithTheWayToThem(t *testing.T) {
	w := newWorld(t)
	once, twice := purchase("1", "CORNER SHOP", "groceries", -300, w.g.now.AddDate(0, 0, -3)), purchase("2", "TRAM", "transport", -100, w.g.now)
	again := purchase("3", "TRAM", "transport", -100, w.g.now.AddDate(0, 0, -1))
	w.g.transactions = []*datav1.Transaction{twice, again, once}
	w.connect("morava", "money")
	consent := w.connect("morava", "service")
	page := w.post("/ask", "text", "Why was I charged twice for the same transaction?")
	page.must(t, "payments that are alike", "TRAM", "only your bank can say", `action="/talk/`+consent+`"`)
	page.mustNot(t, "CORNER SHOP")
}

func TestWhatIsPausedIsSaidToBeAndNotToBeMissing(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	consent, talk := w.connect("morava", "money"), w.connect("morava", "service")
	pause := func(id string) { w.g.change(id, consentv1.ConsentStatus_CONSENT_STATUS_PAUSED) }
	pause(consent)
	pause(talk)
	for range 2 { // once it is found out by asking, and then it is known
		page := w.post("/ask", "text", "How much do I have?")
		page.must(t, "you paused &#34;See my money&#34;", `href="https://share.example/consents/`+consent+`"`, "Resume sharing")
		page.mustNot(t, "No bank shows me", `href="/connect">`+"Connect a bank</a></p>", "42.50")
	}
	w.g.pass(time.Minute)
	w.get("/talk/"+talk).must(t, "You paused sharing with Morava", `href="https://share.example/consents/`+talk+`"`)
	w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE)
	w.get("/").must(t, "This goes on.")
	w.post("/ask", "text", "How much do I have?").must(t, "42.50")
}

func TestWhatIsNotUnderstoodIsAnsweredWithExamplesAndMarkupAloneIsNotPassedOn(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	for _, text := range []string{"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b></b>", "???", "12345678"} {
		page := w.post("/ask", "text", text)
		page.must(t, "You can ask: How much do I have?", `href="/talk/`+consent+`">Write to Morava`)
		page.mustNot(t, "Send this question")
	}
	w.post("/ask", "text", "colourless <b>green</b> ideas").must(t, "Send this question to Morava")
}

func TestAnAnswerBeginsWhereItsQuestionIs(t *testing.T) {
	w := newWorld(t)
	w.page.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	to := w.post("/ask", "text", "help").header.Get("Location")
	id, there := strings.CutPrefix(to, "/#")
	if !there {
		t.Fatalf("a question leads to %q", to)
	}
	w.get("/").must(t, `<div class="line own" id="`+id+`">`)
}

func TestWhatIsNotSharedIsNamed(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "money")
	w.run()
	only := func(kind datav1.DataCluster) {
		c := w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE, func(c *consentv1.Consent) {
			for _, s := range c.Shares {
				s.Clusters = []datav1.DataCluster{kind}
			}
		})
		w.g.tell(c, consentv1.ChangeKind_CHANGE_KIND_NARROW)
	}
	only(datav1.DataCluster_DATA_CLUSTER_BALANCES)
	w.post("/ask", "text", "what did I spend this month?").must(t, "I would need your transactions", `href="/share"`, `href="/connect">Connect a bank`)
	only(datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_DETAILED)
	w.post("/ask", "text", "How much do I have?").must(t, "I would need your balances")
	w.post("/ask", "text", "what did I spend in January 2025?").must(t, "does not reach back to that time")
}

func TestAQuestionIsAskedOnceMoreWhenWhatIsSharedChangedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	w.connect("morava", "money")
	w.g.unready["ListBalances"] = refused("GRANT_CHANGED", codes.Aborted)
	page := w.post("/ask", "text", "How much do I have?")
	page.must(t, "42.50")
	page.mustNot(t, "has just changed")
	asked := 0
	w.g.began = func(method string) {
		if method == "ListBalances" {
			asked++
			w.g.mu.Lock()
			w.g.unready[method] = refused("GRANT_CHANGED", codes.Aborted)
			w.g.mu.Unlock()
		}
	}
	w.post("/ask", "text", "How much do I have?").must(t, "has just changed. Please ask again.")
	if asked != 2 {
		t.Errorf("it was asked %d times", asked)
	}
}
