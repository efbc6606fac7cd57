package stage

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
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/grpc/metadata"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const callTimeout = 20 * time.Second

// Partner sends customers to agree, as a client that proves itself by its
// certificate, and reads with the tokens it gets.
type Partner struct {
	ID       string
	Redirect string
	Accounts partnerv1.AccountServiceClient

	stage  *Stage
	client *http.Client
	server *http.Server

	mu      sync.Mutex
	waiting map[string]chan url.Values // by state
}

// Partner registers a partner under a name, and opens the site that its customers
// come back to.
func (s *Stage) Partner(ctx context.Context, id, name string) (*Partner, error) {
	cert, err := s.Certificate(authn.Partner, id)
	if err != nil {
		return nil, err
	}
	conn, err := s.As(authn.Partner, id)
	if err != nil {
		return nil, err
	}
	site, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open site: %w", err)
	}
	p := &Partner{
		ID: id, Redirect: "http://" + site.Addr().String() + "/done", Accounts: partnerv1.NewAccountServiceClient(conn),
		stage: s, waiting: map[string]chan url.Values{},
		client: &http.Client{Timeout: callTimeout, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, RootCAs: s.CA.Roots()},
		}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /done", p.done)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: callTimeout}
	go func() { _ = p.server.Serve(site) }() // ends with close
	s.mu.Lock()
	s.partners = append(s.partners, p)
	s.mu.Unlock()
	return p, p.register(ctx, name)
}

func (p *Partner) register(ctx context.Context, name string) error {
	ops, err := p.stage.As(authn.Operator, "ops")
	if err != nil {
		return err
	}
	_, err = operatorv1.NewRegistryServiceClient(ops).RegisterPartner(ctx, &operatorv1.RegisterPartnerRequest{
		PartnerId: p.ID, DisplayName: name,
		Client: &operatorv1.Client{
			Authentication: operatorv1.ClientAuthentication_CLIENT_AUTHENTICATION_TLS, RedirectUris: []string{p.Redirect},
		},
	})
	if err != nil {
		return fmt.Errorf("register partner: %w", err)
	}
	return nil
}

func (p *Partner) close() error {
	p.client.CloseIdleConnections()
	return p.server.Close() //nolint:wrapcheck // says what it is
}

func (p *Partner) done(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	to := p.waiting[r.URL.Query().Get("state")]
	p.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if to == nil {
		w.WriteHeader(http.StatusNotFound)
	} else {
		select {
		case to <- r.URL.Query():
		default: // loaded again
		}
	}
	fmt.Fprint(w, `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Back</title><body data-page="partner"><h1>Back</h1></body></html>`)
}

// Ask is a request that waits for a customer.
type Ask struct {
	Link string // for the customer to open

	partner         *Partner
	verifier, state string
	came            chan url.Values
}

// Detail is an authorization detail of type account_data, to be changed before it
// is sent.
func Detail(bank string, kinds ...string) map[string]any {
	return map[string]any{
		"type": "account_data", "bank": bank, "data_clusters": kinds,
		"purpose": "ACCOUNT_OVERVIEW", "purpose_text": "Show you what you have, right in your chats.",
		"look_back_days": 90, "retention_days": 30, "access": map[string]any{"unattended_per_day": 4},
		"expires_at": time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339),
	}
}

// Ask pushes a request; more are further parameters of it.
func (p *Partner) Ask(ctx context.Context, detail map[string]any, more url.Values) (*Ask, error) {
	details, err := json.Marshal([]any{detail})
	if err != nil {
		return nil, fmt.Errorf("push request: %w", err)
	}
	a := &Ask{partner: p, verifier: oauth2.GenerateVerifier(), state: rand.Text(), came: make(chan url.Values, 1)}
	form := url.Values{
		"client_id": {p.ID}, "response_type": {"code"}, "redirect_uri": {p.Redirect}, "state": {a.state},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(a.verifier)}, "code_challenge_method": {"S256"},
		"authorization_details": {string(details)},
	}
	for name, values := range more {
		form[name] = values
	}
	var said struct {
		URI         string `json:"request_uri"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := p.post(ctx, "/par", form, &said); err != nil {
		return nil, fmt.Errorf("push request: %w", err)
	}
	if said.URI == "" {
		return nil, fmt.Errorf("push request: %s: %s", said.Error, said.Description)
	}
	a.Link = p.stage.URL + "/authorize?" + url.Values{"client_id": {p.ID}, "request_uri": {said.URI}}.Encode()
	p.mu.Lock()
	p.waiting[a.state] = a.came
	p.mu.Unlock()
	return a, nil
}

func (p *Partner) post(ctx context.Context, path string, form url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.stage.MTLS+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := p.client.Do(req)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into) //nolint:wrapcheck // wrapped by the caller
}

// Answer waits until the customer's browser comes back.
func (a *Ask) Answer(ctx context.Context) (url.Values, error) {
	select {
	case came := <-a.came:
		if came.Get("iss") != a.partner.stage.URL {
			return nil, fmt.Errorf("the answer is from %q", came.Get("iss"))
		}
		return came, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the customer: %w", ctx.Err())
	}
}

// Token is what a partner got for a code.
type Token struct {
	Access  string
	Consent string
	Grant   string              // names it in grant management
	Shares  map[string][]string // kinds by account, as the answer says them
	Details map[string]any
	partner *Partner
}

// Token waits for the customer and redeems the code.
func (a *Ask) Token(ctx context.Context) (*Token, error) {
	came, err := a.Answer(ctx)
	if err != nil {
		return nil, err
	}
	if came.Get("code") == "" {
		return nil, fmt.Errorf("no code came: %s: %s", came.Get("error"), came.Get("error_description"))
	}
	p := a.partner
	config := &oauth2.Config{ClientID: p.ID, RedirectURL: p.Redirect, Endpoint: oauth2.Endpoint{
		TokenURL: p.stage.MTLS + "/token", AuthStyle: oauth2.AuthStyleInParams,
	}}
	got, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, p.client), came.Get("code"), oauth2.VerifierOption(a.verifier))
	if err != nil {
		return nil, fmt.Errorf("redeem code: %w", err)
	}
	return p.token(got)
}

func (p *Partner) token(got *oauth2.Token) (*Token, error) {
	details, _ := got.Extra("authorization_details").([]any)
	if len(details) != 1 {
		return nil, errors.New("the token answer has not one detail")
	}
	detail, _ := details[0].(map[string]any)
	t := &Token{Access: got.AccessToken, Details: detail, Shares: map[string][]string{}, partner: p}
	t.Consent, _ = detail["consent_id"].(string)
	t.Grant, _ = got.Extra("grant_id").(string)
	accounts, _ := detail["accounts"].([]any)
	for _, a := range accounts {
		account, _ := a.(map[string]any)
		id, _ := account["account_id"].(string)
		kinds, _ := account["data_clusters"].([]any)
		for _, k := range kinds {
			t.Shares[id] = append(t.Shares[id], fmt.Sprint(k))
		}
	}
	return t, nil
}

// With is a context to call with the token in.
func (t *Token) With(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+t.Access)
}

// Present is the right that the token's consent gives, with the customer present.
func (t *Token) Present() *partnerv1.Access {
	return &partnerv1.Access{
		ConsentId: t.Consent, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
	}
}

// Balances reads balances with the token.
func (t *Token) Balances(ctx context.Context) (*partnerv1.ListBalancesResponse, error) {
	return t.partner.Accounts.ListBalances(t.With(ctx), &partnerv1.ListBalancesRequest{Access: t.Present()}) //nolint:wrapcheck // the refusal is looked at
}
