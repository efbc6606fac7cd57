package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// demoPartner is a partner's web site, as small as can be: it sends a customer to
// agree, gets a token bound to its certificate, and shows what that reads.
type demoPartner struct {
	id     string
	mtls   string // the authorization server, for clients with a certificate
	issuer string
	client *http.Client
	conn   *grpc.ClientConn
	pull   partnerv1.AccountServiceClient
	site   net.Listener
	server *http.Server

	mu    sync.Mutex
	begun map[string]string // PKCE verifier by state
}

// maxBegun bounds how many visits are remembered.
const maxBegun = 1000

// newDemoPartner takes an address for the site, so that it can be registered.
func newDemoPartner(ctx context.Context, id string) (*demoPartner, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for partner's site: %w", err)
	}
	return &demoPartner{id: id, site: l, begun: map[string]string{}}, nil
}

// open begins to serve the site.
func (p *demoPartner) open(f *front, target tourTarget) error {
	base := filepath.Join(target.data, "pki", "partner-"+p.id)
	cert, err := tls.LoadX509KeyPair(base+".crt", base+".key")
	if err != nil {
		return fmt.Errorf("read partner's certificate: %w", err)
	}
	connections := &connection{Data: target.data, Gateway: target.gateway}
	roots, err := connections.roots()
	if err != nil {
		return err
	}
	if p.conn, err = connections.dial(authn.Partner, p.id); err != nil {
		return err
	}
	p.issuer, p.mtls, p.pull = f.url, f.mtlsURL, partnerv1.NewAccountServiceClient(p.conn)
	p.client = &http.Client{Timeout: loginTimeout, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, RootCAs: roots},
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /connect/{bank}", p.connect)
	mux.HandleFunc("GET /done", p.done)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	go func() { _ = p.server.Serve(p.site) }() // ends with close
	return nil
}

func (p *demoPartner) url() string { return "http://" + p.site.Addr().String() }

func (p *demoPartner) close() error {
	if p.server == nil {
		return p.site.Close() //nolint:wrapcheck // it says what it is
	}
	p.client.CloseIdleConnections()
	return errors.Join(p.server.Close(), p.conn.Close())
}

func (p *demoPartner) config() *oauth2.Config {
	return &oauth2.Config{ClientID: p.id, RedirectURL: p.url() + "/done", Endpoint: oauth2.Endpoint{
		AuthURL: p.issuer + "/authorize", TokenURL: p.mtls + "/token", AuthStyle: oauth2.AuthStyleInParams,
	}}
}

// connect pushes a request for three kinds of data and sends the customer to it.
func (p *demoPartner) connect(w http.ResponseWriter, r *http.Request) {
	details, err := json.Marshal([]map[string]any{{
		"type": "account_data", "bank": r.PathValue("bank"),
		"data_clusters": []string{"ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS_BASIC"},
		"purpose":       "ACCOUNT_OVERVIEW", "purpose_text": "Show you what you have, right in your chats.",
		"look_back_days": 90, "retention_days": 30, "access": map[string]any{"unattended_per_day": 4},
		"expires_at": time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339),
	}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	verifier, state := oauth2.GenerateVerifier(), rand.Text()
	uri, err := p.push(r.Context(), url.Values{
		"client_id": {p.id}, "response_type": {"code"}, "redirect_uri": {p.config().RedirectURL}, "state": {state},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
		"authorization_details": {string(details)},
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	p.mu.Lock()
	if len(p.begun) >= maxBegun {
		clear(p.begun)
	}
	p.begun[state] = verifier
	p.mu.Unlock()
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // the site is plain HTTP on loopback
		Name: askedHere(state), Value: "yes", Path: "/done", MaxAge: 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, p.issuer+"/authorize?"+url.Values{"client_id": {p.id}, "request_uri": {uri}}.Encode(), http.StatusSeeOther)
}

// askedHere names the cookie of a browser that began something.
func askedHere(state string) string { return "asked-" + state }

// push is a pushed authorization request (RFC 9126).
func (p *demoPartner) push(ctx context.Context, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.mtls+"/par", strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("push request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := p.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("push request: %w", err)
	}
	defer resp.Body.Close()
	var said struct {
		URI         string `json:"request_uri"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
		return "", fmt.Errorf("push request: %w", err)
	}
	if said.URI == "" {
		return "", fmt.Errorf("push request: %s: %s", said.Error, said.Description) //nolint:err113 // for a person
	}
	return said.URI, nil
}

var errNotBegun = errors.New("nothing was begun here that this could be the end of")

// done gets a token for the code and shows what can be read with it.
func (p *demoPartner) done(w http.ResponseWriter, r *http.Request) {
	came := r.URL.Query()
	text, err := "", errNotBegun
	if _, other := r.Cookie(askedHere(came.Get("state"))); other == nil {
		text, err = p.finish(r.Context(), came)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		text = "Not connected: " + err.Error()
	}
	fmt.Fprintln(w, text)
}

func (p *demoPartner) finish(ctx context.Context, came url.Values) (string, error) {
	p.mu.Lock()
	verifier, known := p.begun[came.Get("state")]
	delete(p.begun, came.Get("state"))
	p.mu.Unlock()
	switch {
	case !known || came.Get("iss") != p.issuer:
		return "", errNotBegun
	case came.Get("error") != "":
		return "", fmt.Errorf("%s: %s", came.Get("error"), came.Get("error_description")) //nolint:err113 // for a person
	}
	token, err := p.config().Exchange(context.WithValue(ctx, oauth2.HTTPClient, p.client), came.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return "", fmt.Errorf("get a token: %w", err)
	}
	raw, err := json.Marshal(token.Extra("authorization_details"))
	if err != nil {
		return "", fmt.Errorf("read token answer: %w", err)
	}
	var details []struct {
		Consent string `json:"consent_id"`
	}
	if err := json.Unmarshal(raw, &details); err != nil || len(details) != 1 {
		return "", errors.New("the token answer says nothing of a consent")
	}
	balances, err := p.pull.ListBalances(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token.AccessToken),
		&partnerv1.ListBalancesRequest{Access: &partnerv1.Access{
			ConsentId: details[0].Consent, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
			Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
		}})
	if err != nil {
		return "", fmt.Errorf("pull balances: %w", err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Connected, by %s.\n", details[0].Consent)
	for _, a := range balances.GetAccounts() {
		for _, b := range a.GetBalances() {
			fmt.Fprintf(&text, "%s  %s  %s\n", a.GetAccountId(), shortName(b.GetType()), formatMoney(b.GetAmount()))
		}
	}
	return text.String(), nil
}
