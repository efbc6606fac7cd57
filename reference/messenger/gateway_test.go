package messenger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// gateway is a gateway as a partner sees it: an authorization server at which
// everybody agrees to all, and services that answer what a test put there.
type gateway struct {
	partnerv1.UnimplementedAccountServiceServer
	partnerv1.UnimplementedAlertServiceServer
	partnerv1.UnimplementedConsentServiceServer
	partnerv1.UnimplementedConversationServiceServer
	partnerv1.UnimplementedEventServiceServer

	t    *testing.T
	http *httptest.Server
	conn *grpc.ClientConn

	mu            sync.Mutex
	now           time.Time
	pushed        map[string]pushed // by request_uri
	codes         map[string]string // consent by code
	consents      map[string]*consentv1.Consent
	tokens        map[string]string // consent by access token
	refreshed     int
	owns          int              // tokens of the partner's own
	unready       map[string]error // by method: answered once
	balances      []*datav1.AccountBalances
	transactions  []*datav1.Transaction
	alerts        []*datav1.FraudAlert
	answers       []*partnerv1.AnswerAlertRequest
	conversations []*datav1.Conversation
	messages      []*datav1.Message
	marks         []*partnerv1.MarkConversationRequest
	began         func(method string) // is called as a call begins, if there is one
	subscribed    int
	outbox        chan *partnerv1.Event
	acks          chan *partnerv1.Acknowledgement
	cut           chan struct{} // ends the stream that takes it
}

type pushed struct {
	state, redirect, challenge string
	detail                     map[string]any
}

const account1, account2 = "acc_current", "acc_savings"

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{
		t: t, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), pushed: map[string]pushed{}, codes: map[string]string{},
		consents: map[string]*consentv1.Consent{}, tokens: map[string]string{}, unready: map[string]error{},
		outbox: make(chan *partnerv1.Event, 100), acks: make(chan *partnerv1.Acknowledgement, 100), cut: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /par", g.par)
	mux.HandleFunc("POST /token", g.token)
	g.http = httptest.NewServer(mux)
	t.Cleanup(g.http.Close)
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	partnerv1.RegisterAccountServiceServer(server, g)
	partnerv1.RegisterAlertServiceServer(server, g)
	partnerv1.RegisterConsentServiceServer(server, g)
	partnerv1.RegisterConversationServiceServer(server, g)
	partnerv1.RegisterEventServiceServer(server, g)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:gateway", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	g.conn = conn
	return g
}

func (g *gateway) clock() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *gateway) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

func (g *gateway) par(w http.ResponseWriter, r *http.Request) {
	var details []map[string]any
	if err := json.Unmarshal([]byte(r.PostFormValue("authorization_details")), &details); err != nil || len(details) != 1 {
		http.Error(w, `{"error":"invalid_authorization_details"}`, http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	uri := fmt.Sprintf("urn:request:%d", len(g.pushed)+1)
	g.pushed[uri] = pushed{r.PostFormValue("state"), r.PostFormValue("redirect_uri"), r.PostFormValue("code_challenge"), details[0]}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"request_uri": uri, "expires_in": 60})
}

// agree is a customer who gives all that was asked for at an address of /authorize.
// It says where his browser comes back to.
func (g *gateway) agree(uri string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.pushed[uri]
	id := fmt.Sprintf("con_%d", len(g.consents)+1)
	c := &consentv1.Consent{
		ConsentId: id, Revision: 2, Status: consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE, BankId: p.detail["bank"].(string),
		Asked: &consentv1.Terms{
			Purpose:       consentv1.Purpose(consentv1.Purpose_value["PURPOSE_"+p.detail["purpose"].(string)]),
			RetentionDays: int32(p.detail["retention_days"].(float64)),
		},
		ValidUntil: timestamppb.New(g.now.AddDate(0, 0, 90)),
	}
	if days, asked := p.detail["look_back_days"]; asked {
		c.LookBackDays = int32(days.(float64))
	}
	for _, account := range []string{account1, account2} {
		share := &consentv1.Share{AccountId: account}
		for _, k := range p.detail["data_clusters"].([]any) {
			share.Clusters = append(share.Clusters, datav1.DataCluster(datav1.DataCluster_value["DATA_CLUSTER_"+k.(string)]))
		}
		c.Shares = append(c.Shares, share)
	}
	g.consents[id] = c
	g.codes["code-"+id] = id
	return p.redirect + "?" + "state=" + p.state + "&code=code-" + id + "&iss=" + g.http.URL
}

func (g *gateway) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := ""
	switch r.PostFormValue("grant_type") {
	case "client_credentials":
		if r.PostFormValue("scope") == "consents" {
			g.owns++
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprintf("own-%d", g.owns), "expires_in": 300})
			return
		}
	case "authorization_code":
		id = g.codes[r.PostFormValue("code")]
		delete(g.codes, r.PostFormValue("code"))
		if r.PostFormValue("code_verifier") == "" {
			id = ""
		}
	case "refresh_token":
		id = strings.TrimPrefix(r.PostFormValue("refresh_token"), "refresh-")
		g.refreshed++
	}
	c := g.consents[id]
	if c == nil || c.GetStatus() == consentv1.ConsentStatus_CONSENT_STATUS_REVOKED {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	token := fmt.Sprintf("token-%d", len(g.tokens)+1)
	g.tokens[token] = id
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": token, "refresh_token": "refresh-" + id, "expires_in": 300,
		"authorization_details": []map[string]any{{"consent_id": id}},
	})
}

func refused(reason string, code codes.Code) error {
	s, err := status.New(code, "refused").WithDetails(&errdetails.ErrorInfo{Domain: "sluice", Reason: reason})
	if err != nil {
		return err
	}
	return s.Err()
}

// admit decides like the gate: the token is the consent's, it holds, and it covers
// the kind of data for the account. An account of "" is any.
func (g *gateway) admit(ctx context.Context, method string, a *partnerv1.Access, account string, kind datav1.DataCluster) ([]string, error) {
	if g.began != nil {
		g.began(method)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.unready[method]; err != nil {
		delete(g.unready, method)
		return nil, err
	}
	md, _ := metadata.FromIncomingContext(ctx)
	if bearer := md.Get("authorization"); len(bearer) != 1 || g.tokens[strings.TrimPrefix(bearer[0], "Bearer ")] != a.GetConsentId() {
		return nil, refused("TOKEN_INVALID", codes.Unauthenticated)
	}
	c := g.consents[a.GetConsentId()]
	if a.GetPurpose() != c.GetAsked().GetPurpose() || a.GetAttendance() != partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT {
		return nil, refused("PURPOSE_NOT_PERMITTED", codes.PermissionDenied)
	}
	switch c.GetStatus() {
	case consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE:
	case consentv1.ConsentStatus_CONSENT_STATUS_PAUSED:
		return nil, refused("CONSENT_PAUSED", codes.FailedPrecondition)
	default:
		return nil, refused("CONSENT_REVOKED", codes.PermissionDenied)
	}
	var covered []string
	for _, s := range c.GetShares() {
		if slices.Contains(s.GetClusters(), kind) && (account == "" || account == s.GetAccountId()) {
			covered = append(covered, s.GetAccountId())
		}
	}
	if len(covered) == 0 {
		return nil, refused("CLUSTER_NOT_COVERED", codes.PermissionDenied)
	}
	return covered, nil
}

func (g *gateway) ListAccounts(ctx context.Context, r *partnerv1.ListAccountsRequest) (*partnerv1.ListAccountsResponse, error) {
	covered, err := g.admit(ctx, "ListAccounts", r.GetAccess(), "", datav1.DataCluster_DATA_CLUSTER_ACCOUNT_BASIC)
	out := &partnerv1.ListAccountsResponse{}
	for _, id := range covered {
		out.Accounts = append(out.Accounts, &datav1.Account{AccountId: id, DisplayName: "Name of " + id, Number: "****5399"})
	}
	return out, err
}

func (g *gateway) ListBalances(ctx context.Context, r *partnerv1.ListBalancesRequest) (*partnerv1.ListBalancesResponse, error) {
	covered, err := g.admit(ctx, "ListBalances", r.GetAccess(), "", datav1.DataCluster_DATA_CLUSTER_BALANCES)
	out := &partnerv1.ListBalancesResponse{}
	for _, b := range g.balances {
		if slices.Contains(covered, b.GetAccountId()) {
			out.Accounts = append(out.Accounts, b)
		}
	}
	return out, err
}

func (g *gateway) ListTransactions(ctx context.Context, r *partnerv1.ListTransactionsRequest) (*partnerv1.ListTransactionsResponse, error) {
	if _, err := g.admit(ctx, "ListTransactions", r.GetAccess(), r.GetAccountId(), datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_DETAILED); err != nil {
		return nil, err
	}
	out := &datav1.AccountTransactions{AccountId: r.GetAccountId()}
	if r.GetAccountId() == account1 {
		out.Transactions = g.transactions
	}
	return &partnerv1.ListTransactionsResponse{Account: out}, nil
}

// partner lets in who shows a token of the partner's own.
func (g *gateway) partner(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	if bearer := md.Get("authorization"); len(bearer) != 1 || bearer[0] != fmt.Sprintf("Bearer own-%d", g.owns) {
		return refused("TOKEN_INVALID", codes.Unauthenticated)
	}
	return nil
}

func (g *gateway) GetConsent(ctx context.Context, r *partnerv1.GetConsentRequest) (*partnerv1.GetConsentResponse, error) {
	if err := g.partner(ctx); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.unready["GetConsent"]; err != nil {
		return nil, err
	}
	c := g.consents[r.GetConsentId()]
	if c == nil {
		return nil, refused("CONSENT_NOT_FOUND", codes.NotFound)
	}
	return &partnerv1.GetConsentResponse{Consent: proto.CloneOf(c)}, nil
}

func (g *gateway) RevokeConsent(ctx context.Context, r *partnerv1.RevokeConsentRequest) (*partnerv1.RevokeConsentResponse, error) {
	if err := g.partner(ctx); err != nil {
		return nil, err
	}
	g.mu.Lock()
	err := g.unready["RevokeConsent"]
	g.mu.Unlock()
	if err != nil {
		return nil, err
	}
	g.change(r.GetConsentId(), consentv1.ConsentStatus_CONSENT_STATUS_REVOKED)
	return &partnerv1.RevokeConsentResponse{}, nil
}

// change sets where a consent stands, and says nothing of it.
func (g *gateway) change(id string, to consentv1.ConsentStatus, more ...func(*consentv1.Consent)) *consentv1.Consent {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := proto.CloneOf(g.consents[id])
	c.Status = to
	c.Revision++
	for _, m := range more {
		m(c)
	}
	g.consents[id] = c
	return c
}

func (g *gateway) ListAlerts(ctx context.Context, r *partnerv1.ListAlertsRequest) (*partnerv1.ListAlertsResponse, error) {
	if _, err := g.admit(ctx, "ListAlerts", r.GetAccess(), "", datav1.DataCluster_DATA_CLUSTER_FRAUD_ALERTS); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return &partnerv1.ListAlertsResponse{Accounts: []*datav1.AccountAlerts{{AccountId: account1, Alerts: g.alerts}}}, nil
}

func (g *gateway) AnswerAlert(ctx context.Context, r *partnerv1.AnswerAlertRequest) (*partnerv1.AnswerAlertResponse, error) {
	if _, err := g.admit(ctx, "AnswerAlert", r.GetAccess(), r.GetAccountId(), datav1.DataCluster_DATA_CLUSTER_FRAUD_ALERTS); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers = append(g.answers, r)
	return &partnerv1.AnswerAlertResponse{Status: datav1.AlertStatus_ALERT_STATUS_ANSWERED}, nil
}

// Subscribe sends what is in the outbox, as far as there is credit.
func (g *gateway) Subscribe(stream partnerv1.EventService_SubscribeServer) error {
	if err := g.partner(stream.Context()); err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil || first.GetCredits() < 1 {
		return errors.New("a stream begins with credit")
	}
	g.mu.Lock()
	g.subscribed++
	g.mu.Unlock()
	go func() {
		for {
			said, err := stream.Recv()
			if err != nil {
				return
			}
			for _, a := range said.GetAcknowledgements() {
				g.acks <- a
			}
		}
	}()
	for {
		select {
		case <-stream.Context().Done():
			return nil
		case <-g.cut:
			return status.Error(codes.Unavailable, "this replica goes away")
		case e := <-g.outbox:
			if err := stream.Send(&partnerv1.SubscribeResponse{Events: []*partnerv1.Event{e}}); err != nil {
				return err
			}
		}
	}
}

// deliver sends an event and waits until it is acknowledged.
func (g *gateway) deliver(e *partnerv1.Event) *partnerv1.Acknowledgement {
	g.t.Helper()
	e.DeliveryId = "delivery"
	g.outbox <- e
	select {
	case a := <-g.acks:
		return a
	case <-time.After(10 * time.Second):
		g.t.Fatal("an event was not acknowledged")
		return nil
	}
}

// tell delivers a change of a consent.
func (g *gateway) tell(c *consentv1.Consent, kind consentv1.ChangeKind) *partnerv1.Acknowledgement {
	g.t.Helper()
	return g.deliver(&partnerv1.Event{
		ConsentId: c.GetConsentId(), Kind: partnerv1.EventKind_EVENT_KIND_CONSENT_CHANGED,
		ConsentChanged: &consentv1.Change{Revision: c.GetRevision(), Kind: kind, Status: c.GetStatus()},
	})
}

func czk(units int64, nanos int32) *money.Money {
	return &money.Money{CurrencyCode: "CZK", Units: units, Nanos: nanos}
}

func dayOf(t time.Time) *date.Date {
	return &date.Date{Year: int32(t.Year()), Month: int32(t.Month()), Day: int32(t.Day())}
}

func balanceOf(account string, units int64) *datav1.AccountBalances {
	return &datav1.AccountBalances{AccountId: account, Balances: []*datav1.Balance{
		{Type: datav1.BalanceType_BALANCE_TYPE_INTERIM_AVAILABLE, Amount: czk(units, int32(min(1, max(-1, units)))*500_000_000)},
		{Type: datav1.BalanceType_BALANCE_TYPE_CLOSING_BOOKED, Amount: czk(units+1, 0)},
	}}
}
