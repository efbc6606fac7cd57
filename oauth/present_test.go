package oauth_test

import (
	"errors"
	"net/http"
	"path"
	"testing"

	"sluice/consent"
)

// Whoever has the id of a consent can be shown it, and may give it, in another
// browser than the one that waits for the code: somebody else's.
func TestACodeGoesOnlyToWhereTheCustomerWhoAgreedIsLoggedIn(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	here := consent.CustomerID("C-other")
	var down error
	w.present = func(b consent.BankID, c consent.CustomerID) (bool, error) { return b == bankID && c == here, down }
	browser, _, back := p.waiting()
	r := withCookies(t, browser, back)
	ask, err := w.server.Find(r, path.Base(r.URL.Path))
	must(t, err)
	must(t, w.agree(t.Context(), ask))

	if got, status := visit(t, browser, back); got.Get("code") != "" || status != http.StatusOK {
		t.Fatalf("another customer's browser: %d %v, want the page", status, got)
	}
	down = errors.New("down")
	if got, status := visit(t, browser, back); got != nil || status != http.StatusServiceUnavailable {
		t.Errorf("while it can't be told: %d %v", status, got)
	}
	down, here = nil, customer
	if got, status := visit(t, browser, back); got.Get("code") == "" {
		t.Errorf("the customer's own browser: %d %v", status, got)
	}
}
