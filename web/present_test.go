package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"sluice/consent"
	"sluice/web"
)

func TestABrowserIsPresentAsWhomItIsLoggedInAsAndNobodyElse(t *testing.T) {
	s := newStand(t)
	present := func(b *browser, bank consent.BankID, who consent.CustomerID) bool {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "https://sluice.example/authorize/ask_1", nil)
		for name, value := range b.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		is, err := s.site.Present(r, bank, who)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	b := s.ona()
	if !present(b, "morava", "ona") {
		t.Error("who is logged in is not present")
	}
	if present(b, "morava", "jonas") || present(b, "vilnia", "ona") || present(b, "morava", "") || present(s.browser(), "morava", "ona") {
		t.Error("somebody else is present")
	}
	s.at = s.at.Add(web.SessionIdle)
	if present(b, "morava", "ona") {
		t.Error("present after the session ended")
	}
	s.sessions.away = true
	if is, err := s.site.Present(httptest.NewRequest(http.MethodGet, "https://sluice.example/", nil), "morava", "ona"); is || err == nil {
		t.Errorf("while sessions can't be read: %t, %v", is, err)
	}
}
