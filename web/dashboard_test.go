package web_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"sluice/consent"
	"sluice/disclosure"
)

func TestTheDashboardShowsEveryBanksConsents(t *testing.T) {
	s := newStand(t)
	live := s.given()
	ended := s.given()
	_, err := s.book.Revoke(t.Context(), ona(), ended.ID)
	s.must(err)
	s.log.last = map[consent.ID]time.Time{live.ID: s.at.Add(-time.Minute)}
	s.log.days = []disclosure.DayCount{{Day: consent.DayOf(s.at), Releases: 1}}
	page := s.ona().logIn("vilnia").get("/").is(t, http.StatusOK)
	page.has(t, "Morava Bank", "Vilnia", "No app sees your accounts here", `data-consent="`+string(live.ID)+`"`, `data-consent="`+string(ended.ID)+`"`,
		"Everyday •••• 4821", "Household •••• 7733", "1 consent that ended", "14:02 UTC", "Read 1 time in 30 days.")
	s.log.last = map[consent.ID]time.Time{ended.ID: s.at.Add(-time.Hour)}
	s.ona().get("/").has(t, "Ended on 3 May 2026, 14:03 UTC. Last read: 3 May 2026, 13:03 UTC.")
}

func TestWithoutTheBankAccountsAreShownMasked(t *testing.T) {
	s := newStand(t)
	s.given()
	b := s.ona()
	s.bank.away = true
	page := b.get("/").is(t, http.StatusOK)
	page.has(t, "does not answer now", "Account •••• 4821")
	page.hasNot(t, "acc-current-4821", "Everyday")
}

func TestAnEndThatIsNearIsShown(t *testing.T) {
	s := newStand(t)
	c := s.given()
	s.at = c.ValidUntil.Add(-29 * 24 * time.Hour)
	s.ona().get("/").has(t, `data-notice="ending"`, "1 consent ends within 30 days")
}

func TestStoppingEverythingStopsAtEveryBank(t *testing.T) {
	s := newStand(t)
	first, second := s.given(), s.given()
	b := s.ona().logIn("vilnia")
	s.bank.away = true
	b.get("/stop").is(t, http.StatusOK).has(t, "Messenger", "Morava Bank", "Nothing to stop here", `id="stop-confirm"`)
	done := b.post("/stop", "/stop", url.Values{}).is(t, http.StatusOK)
	done.has(t, `id="stopped"`, "Stopped at 14:03:07. It is effective everywhere.")
	for _, c := range []consent.Consent{first, second} {
		if got := s.read(c.ID); got.Status != consent.Revoked {
			t.Errorf("%v", got.Status)
		}
	}
	b.post("/stop", "/stop", url.Values{}).has(t, `id="stopped"`)
}

func TestStoppingThatIsNotYetInForceEverywhereSaysSo(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	s.barrier.Fail(errors.New("replica 2 is silent"))
	got := b.post("/stop", "/stop", url.Values{}).is(t, http.StatusOK)
	got.has(t, `id="stopped-partly"`, `id="stop-confirm"`)
	got.hasNot(t, `id="stopped"`, "replica")
	if s.read(c.ID).Status != consent.Revoked {
		t.Error("nothing was stopped")
	}
	s.barrier.Fail(nil)
	b.post("/stop", "/stop", url.Values{}).has(t, `id="stopped"`)
}

func TestWithoutTheRecordThePageSaysSoAndLeaksNothing(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	form := url.Values{"csrf": {field(b.get("/"), "csrf")}}
	s.store.away = true
	for _, path := range []string{"/", "/stop", pathOf(c), pathOf(c) + "/revoke"} {
		b.get(path).is(t, http.StatusServiceUnavailable).has(t, `data-message="error.503"`)
	}
	b.do(http.MethodPost, pathOf(c)+"/revoke", form).is(t, http.StatusServiceUnavailable)
	s.store.away, s.parties.away = false, true
	b.get("/login").is(t, http.StatusServiceUnavailable)
	s.sessions.away = true
	b.get("/").is(t, http.StatusServiceUnavailable)
}
