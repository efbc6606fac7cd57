package banklogin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sluice/authn/banklogin"
	"sluice/authn/keyset"
	"sluice/consent"
	"sluice/reference/samplebank"
	"sluice/registry"
)

const callback = "https://gateway.example/login/callback"

// ring is a gateway's signing key.
type ring struct{ key jose.JSONWebKey }

func (r ring) Signing(context.Context) (jose.JSONWebKey, error) { return r.key, nil }

func newRing(t *testing.T, kid string) ring {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ring{jose.JSONWebKey{Key: key, KeyID: kid, Use: "sig", Algorithm: "ES256"}}
}

// registered are banks by id.
type registered map[consent.BankID]registry.Bank

func (r registered) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	b, ok := r[id]
	if !ok {
		return registry.Bank{}, registry.ErrNotFound
	}
	return b, nil
}

func bankAt(id consent.BankID, issuer string) registry.Bank {
	return registry.Bank{ID: id, Name: string(id), Standing: registry.Active, Login: registry.Login{Issuer: issuer, ClientID: "sluice"}}
}

// client reaches test servers, as the operator's own configuration would.
func client(t *testing.T) *http.Client {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler()) // all test servers share a certificate
	defer s.Close()
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return keyset.NewClient(keyset.Config{Roots: roots, Private: true, Now: time.Now})
}

// publicOnly is a client as in production.
func publicOnly() *http.Client { return keyset.NewClient(keyset.Config{Now: time.Now}) }

func relying(t *testing.T, banks banklogin.Banks, key banklogin.Signer) *banklogin.Relying {
	t.Helper()
	return banklogin.New(banklogin.Config{Banks: banks, Redirect: callback, Key: key, Client: client(t), Now: time.Now})
}

// sampleBank serves the login of a sample bank, for a gateway with this key.
func sampleBank(t *testing.T, data *samplebank.Data, id, clientID string, key ring) *httptest.Server {
	t.Helper()
	gateway := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.key.Public()}})
	}))
	t.Cleanup(gateway.Close)
	bank, err := samplebank.New(data, id, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(nil)
	s.Config.Handler, err = samplebank.NewLogin(bank, samplebank.LoginConfig{
		Issuer: "https://" + s.Listener.Addr().String(), ClientID: clientID, RedirectURIs: []string{callback},
		JWKSURL: gateway.URL, HTTPClient: gateway.Client(), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// customer is a browser with somebody in front of it.
type customer struct {
	t    *testing.T
	http *http.Client
}

func newCustomer(t *testing.T) customer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := client(t)
	browser.Jar = jar
	browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "gateway.example" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return customer{t, browser}
}

// open follows a link to a page, or back to the gateway.
func (c customer) open(address string) (string, url.Values) {
	c.t.Helper()
	return c.read(c.http.Get(address))
}

func (c customer) read(resp *http.Response, err error) (string, url.Values) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if to, err := resp.Location(); err == nil {
		return "", to.Query()
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(raw), nil
}

var hidden = regexp.MustCompile(`name="(id|csrf)" value="([^"]*)"`)

// logIn opens the bank's page, fills it in, and is what comes back to the gateway:
// nothing if the bank did not believe it.
func (c customer) logIn(address, number, password, code string, extra ...string) url.Values {
	c.t.Helper()
	page, back := c.open(address)
	if back != nil {
		return back
	}
	form := url.Values{"customer": {number}, "password": {password}, "code": {code}}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	for _, e := range extra {
		form.Set(e, "1")
	}
	at, err := url.Parse(address)
	if err != nil {
		c.t.Fatal(err)
	}
	_, back = c.read(c.http.PostForm("https://"+at.Host+"/login", form))
	return back
}
