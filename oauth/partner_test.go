package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"sluice/authn"
	"sluice/consent"
	"sluice/registry"
)

const verifier = "a-verifier-of-forty-three-characters-or-more"

// partner is a client of OAuth, honest but for what a test tells it.
type partner struct {
	w    *world
	id   string
	base string            // the server as it calls it
	key  *ecdsa.PrivateKey // of its assertions; nil: its certificate proves it
	dpop *ecdsa.PrivateKey // of its proofs; nil: it makes none
	http *http.Client
	cert tls.Certificate
}

// byKey is a partner that proves itself by key and binds tokens to another.
func (w *world) byKey(id string) *partner {
	p := &partner{w: w, id: id, base: w.url, key: newKey(w.t), dpop: newKey(w.t), http: w.browser()}
	w.parties.put(registry.Partner{ID: consent.PartnerID(id), Name: id, Standing: registry.Active, Client: registry.Client{
		Authentication: registry.PrivateKeyJWT, RedirectURIs: []string{redirect}, Keys: publicSet(w.t, p.key),
	}})
	return p
}

// byCertificate is a partner that proves itself, and binds tokens, by certificate.
func (w *world) byCertificate(id string) *partner {
	p := &partner{w: w, id: id, base: w.mtls}
	w.parties.put(registry.Partner{ID: consent.PartnerID(id), Name: id, Standing: registry.Active, Client: registry.Client{
		Authentication: registry.TLS, RedirectURIs: []string{redirect},
	}})
	p.renew()
	return p
}

// renew gets the partner a new certificate, and connects with it.
func (p *partner) renew() { p.connectAs(authn.Identity{Kind: authn.Partner, ID: p.id}) }

func (p *partner) connectAs(id authn.Identity) {
	cert, err := p.w.ca.Issue(id, time.Now())
	must(p.w.t, err)
	p.cert = cert
	p.http = p.w.browser()
	p.http.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{cert} //nolint:forcetypeassert // made above
}

func publicSet(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	return encoded(t, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k1"}}})
}

// said is what the server answered.
type said struct {
	status int
	header http.Header
	body   object
}

func (s said) text(name string) string { v, _ := s.body[name].(string); return v }

// spoil changes a call before it is made; each member may be nil.
type spoil struct {
	form      func(url.Values)
	assertion func(header, claims object)
	signed    func(jws string) string // the assertion, once signed
	proof     func(header, claims object)
	proven    func(jws string) string // the proof, once signed
	proofs    *ecdsa.PrivateKey       // another key of proofs
	request   func(*http.Request)
}

// call posts a form to an endpoint, with what the partner proves itself by.
func (p *partner) call(path string, form url.Values, spoils ...spoil) said {
	p.w.t.Helper()
	var s spoil
	if len(spoils) > 0 {
		s = spoils[0]
	}
	form = maps.Clone(form)
	if p.key != nil {
		header, claims := object{"alg": "ES256", "kid": "k1", "typ": "JWT"}, object{
			"iss": p.id, "sub": p.id, "aud": p.w.url, "jti": rand.Text(), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		}
		if s.assertion != nil {
			s.assertion(header, claims)
		}
		jws := sign(p.w.t, p.key, header, claims)
		if s.signed != nil {
			jws = s.signed(jws)
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", jws)
	} else {
		form.Set("client_id", p.id)
	}
	if s.form != nil {
		s.form(form)
	}
	r, err := http.NewRequestWithContext(p.w.t.Context(), http.MethodPost, p.base+path, strings.NewReader(form.Encode()))
	must(p.w.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p.dpop != nil {
		r.Header.Set("DPoP", p.proof(http.MethodPost, path, "", s))
	}
	if s.request != nil {
		s.request(r)
	}
	return p.do(r)
}

func (p *partner) do(r *http.Request) said {
	p.w.t.Helper()
	resp, err := p.http.Do(r)
	must(p.w.t, err)
	defer resp.Body.Close()
	out := said{status: resp.StatusCode, header: resp.Header}
	_ = json.NewDecoder(resp.Body).Decode(&out.body) // not all answers have a body
	return out
}

// proof is a DPoP proof for a request.
func (p *partner) proof(method, path, token string, s spoil) string {
	p.w.t.Helper()
	key := p.dpop
	if s.proofs != nil {
		key = s.proofs
	}
	header := object{"alg": "ES256", "typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: &key.PublicKey}}
	claims := object{"jti": rand.Text(), "htm": method, "htu": p.base + path, "iat": time.Now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if s.proof != nil {
		s.proof(header, claims)
	}
	jws := sign(p.w.t, key, header, claims)
	if s.proven != nil {
		jws = s.proven(jws)
	}
	return jws
}

// show calls with an access token and, if it is bound to a key, a proof.
func (p *partner) show(method, path, token string, spoils ...spoil) said {
	p.w.t.Helper()
	var s spoil
	if len(spoils) > 0 {
		s = spoils[0]
	}
	r, err := http.NewRequestWithContext(p.w.t.Context(), method, p.base+path, nil)
	must(p.w.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	if p.dpop != nil {
		r.Header.Set("Authorization", "DPoP "+token)
		r.Header.Set("DPoP", p.proof(method, path, token, s))
	}
	if s.request != nil {
		s.request(r)
	}
	return p.do(r)
}

// details is what a partner asks for.
func details() object {
	return object{
		"type": "account_data", "bank": string(bankID), "purpose": "ACCOUNT_OVERVIEW", "purpose_text": "To show you your accounts.",
		"data_clusters": []string{"ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS_DETAILED"}, "look_back_days": 90,
		"expires_at": time.Now().Add(90 * 24 * time.Hour).UTC().Format(time.RFC3339), "access": object{"unattended_per_day": 4}, "retention_days": 30,
	}
}

func challenge(of string) string {
	sum := sha256.Sum256([]byte(of))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// push asks for an authorization.
func (p *partner) push(spoils ...spoil) said {
	p.w.t.Helper()
	return p.call("/par", url.Values{
		"client_id": {p.id}, "response_type": {"code"}, "redirect_uri": {redirect}, "state": {"s-1"}, "code_challenge": {challenge(verifier)},
		"code_challenge_method": {"S256"}, "authorization_details": {encoded(p.w.t, []object{details()})},
	}, spoils...)
}

// start pushes a request and is the address to send the customer to.
func (p *partner) start(spoils ...spoil) string {
	p.w.t.Helper()
	pushed := p.push(spoils...)
	if pushed.status != http.StatusCreated {
		p.w.t.Fatalf("push: %d %v", pushed.status, pushed.body)
	}
	return p.w.url + "/authorize?" + url.Values{"client_id": {p.id}, "request_uri": {pushed.text("request_uri")}}.Encode()
}

// code has a customer agree, and is the code the partner gets.
func (p *partner) code(spoils ...spoil) string {
	p.w.t.Helper()
	back, status := visit(p.w.t, p.w.browser(), p.start(spoils...))
	if back.Get("code") == "" {
		p.w.t.Fatalf("no code: %d %v", status, back)
	}
	return back.Get("code")
}

func redemption(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
}

func (p *partner) redeem(code string, spoils ...spoil) said {
	p.w.t.Helper()
	return p.call("/token", redemption(code), spoils...)
}

func (p *partner) refresh(token string, spoils ...spoil) said {
	p.w.t.Helper()
	return p.call("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, spoils...)
}

// own gets a token of the partner's own.
func (p *partner) own(scope string, spoils ...spoil) said {
	p.w.t.Helper()
	return p.call("/token", url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}, spoils...)
}

// tokens goes through a whole flow.
func (p *partner) tokens(spoils ...spoil) said {
	p.w.t.Helper()
	got := p.redeem(p.code(spoils...))
	if got.status != http.StatusOK {
		p.w.t.Fatalf("redeem: %d %v", got.status, got.body)
	}
	return got
}

// sign makes a JWS by hand, so that anything in it can be wrong. Its signature is
// ES256 whatever the header says.
func sign(t *testing.T, key *ecdsa.PrivateKey, header, claims object) string {
	t.Helper()
	part := func(o object) string { return base64.RawURLEncoding.EncodeToString([]byte(encoded(t, o))) }
	input := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	must(t, err)
	raw := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return input + "." + base64.RawURLEncoding.EncodeToString(raw)
}

// claimsOf are a token's claims, not verified.
func claimsOf(t *testing.T, token string) object {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	must(t, err)
	var out object
	must(t, json.Unmarshal(raw, &out))
	return out
}

// set changes one member of a form.
func set(name, value string) spoil { return spoil{form: func(f url.Values) { f.Set(name, value) }} }

func drop(name string) spoil { return spoil{form: func(f url.Values) { f.Del(name) }} }

func wantError(t *testing.T, got said, code string, statuses ...int) {
	t.Helper()
	ok := len(statuses) == 0 && got.status == http.StatusBadRequest
	for _, s := range statuses {
		ok = ok || got.status == s
	}
	if got.text("error") != code || !ok {
		t.Errorf("answer = %d %v, want %s", got.status, got.body, code)
	}
	for _, secret := range []string{"access_token", "refresh_token", "request_uri"} {
		if got.body[secret] != nil {
			t.Errorf("a refusal has a %s", secret)
		}
	}
}

func thumbprint(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func thumbprintOf(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	if key == nil {
		return ""
	}
	sum, err := (&jose.JSONWebKey{Key: &key.PublicKey}).Thumbprint(crypto.SHA256)
	must(t, err)
	return base64.RawURLEncoding.EncodeToString(sum)
}

// atOnce does something many times at the same time.
func atOnce[T any](n int, do func() T) []T {
	out := make([]T, n)
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() { out[i] = do() })
	}
	wg.Wait()
	return out
}

type signer struct {
	alg   jose.SignatureAlgorithm
	key   crypto.Signer
	taken bool // by the profile
}

func profileKeys(t *testing.T) []signer {
	t.Helper()
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	return []signer{
		{jose.ES256, newKey(t), true},
		{jose.EdDSA, edwards, true},
		{jose.PS256, rsaKey, true},
		{jose.RS256, rsaKey, false},
		{jose.PS512, rsaKey, false},
		{jose.ES384, p384, false},
	}
}

// weakProof is a proof that is good but for its key, of 1024 bits.
func weakProof(t *testing.T, uri string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.PS256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	must(t, err)
	out, err := jwt.Signed(signer).Claims(object{"jti": rand.Text(), "htm": "POST", "htu": uri, "iat": time.Now().Unix()}).Serialize()
	must(t, err)
	return out
}
