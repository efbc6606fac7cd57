package oauth_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"sluice/registry"
)

// Who integrates has the answer alone, and not our log.
func TestARefusalSaysWhatTheClientCanMend(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	code, tokens := p.code(), p.tokens()
	mine := details()
	mine["consent_id"] = "con_other"
	for name, c := range map[string]struct {
		got         said
		error, says string
	}{
		"no PKCE":           {p.push(drop("code_challenge")), "invalid_request", "code_challenge is required"},
		"another address":   {p.push(set("redirect_uri", "https://evil.example/back")), "invalid_request", "redirect_uri is not registered for the client"},
		"a scope not there": {p.push(set("scope", "everything")), "invalid_scope", ""},
		"another verifier":  {p.redeem(code, set("code_verifier", strings.Repeat("v", 43))), "invalid_grant", "invalid"},
		"a token of more": {
			p.refresh(tokens.text("refresh_token"), set("authorization_details", encoded(t, []object{mine}))),
			"invalid_authorization_details", "send what was granted, with fewer accounts or data_clusters",
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, c.got, c.error)
			if says := c.got.text("error_description"); !strings.Contains(says, c.says) || says == "" {
				t.Errorf("it says %q, want %q", says, c.says)
			}
		})
	}
}

// What is said is for a client: nothing of parts that fail, of who a client is,
// or beyond what may stand in an error_description.
func TestARefusalSaysNothingOfTheInside(t *testing.T) {
	const canary = "CANARY-db-7"
	w := newWorld(t)
	p := w.byKey("messenger")
	code, refresh := p.code(), p.tokens().text("refresh_token")
	quiet := func(name string, got said) {
		t.Helper()
		if got.status < http.StatusBadRequest || strings.Contains(encoded(t, got.body), "CANARY") {
			t.Errorf("%s: %d %v", name, got.status, got.body)
		}
	}
	for name, fail := range map[string]func(error){"store": w.store.fail, "parties": w.parties.fail, "consents": w.consents.fail} {
		fail(errors.New(canary))
		quiet(name+", redeem", p.redeem(code))
		quiet(name+", refresh", p.refresh(refresh))
		quiet(name+", push", p.push(drop("code_challenge"), set("state", canary)))
		fail(nil)
	}
	w.replays.Fail(errors.New(canary))
	quiet("replays", p.push())
	w.replays.Fail(nil)
	unmatched := w.byKey("messenger")
	unmatched.id = "nobody"
	for name, got := range map[string]said{"unknown": unmatched.push(), "forged": p.push(set("client_assertion", canary))} {
		if says := got.text("error_description"); got.text("error") != "invalid_client" || strings.Contains(says, ":") {
			t.Errorf("%s: %v", name, got.body)
		}
	}
	w.parties.put(registry.Partner{ID: "messenger", Name: "messenger", Standing: registry.Active, Client: registry.Client{
		Authentication: registry.PrivateKeyJWT, RedirectURIs: []string{redirect}, KeysURL: "https://messenger.example/" + canary,
	}})
	quiet("keys", p.push())
}

func TestADescriptionHasOnlyWhatMayStandInOne(t *testing.T) {
	p := newWorld(t).byKey("messenger")
	for _, sent := range []string{`a"b\\c`, "žž\x7f\n", strings.Repeat("x", 2000)} {
		got := p.push(set("scope", sent))
		says := got.text("error_description")
		bad := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
		if got.text("error") != "invalid_scope" || says == "" || len(says) > 300 || strings.ContainsFunc(says, bad) {
			t.Errorf("%.20q: %v", sent, got.body)
		}
	}
}
