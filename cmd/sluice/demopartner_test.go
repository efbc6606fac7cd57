package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An answer that somebody else began is not this visitor's: it would connect him
// to what another one gave.
func TestAPartnersSiteTakesAnswersOnlyInTheBrowserThatAsked(t *testing.T) {
	p := &demoPartner{id: "messenger", issuer: "https://share.example", begun: map[string]string{"s1": "verifier"}}
	w := httptest.NewRecorder()
	p.done(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/done?state=s1&iss=https://share.example&code=c", nil))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "nothing was begun") {
		t.Errorf("another browser's answer = %d %s", w.Code, w.Body)
	}
	if p.begun["s1"] == "" {
		t.Error("its own browser can't go on")
	}
}
