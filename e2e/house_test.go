package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/bank/banktest"
	"sluice/gateway/codec"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const (
	callTimeout  = 10 * time.Second
	startTimeout = 30 * time.Second
	bankID       = "morava"
	customerID   = "customer-one"
)

var program string // built once by TestMain, read only afterwards

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "sluice-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "sluice")
		build := exec.Command("go", "build", "-o", program, "sluice/cmd/sluice")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build the program:", err)
			return 1
		}
		return m.Run()
	}())
}

// house is a running gateway, one scripted bank, and everybody's certificates.
type house struct {
	t       *testing.T
	dir     string
	ca      *devca.Authority
	address string
	process *exec.Cmd
	bank    *banktest.Bank
}

// open starts a gateway with partners messenger and wallet, and one bank.
func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), bank: banktest.New()}
	ca, err := devca.Open(filepath.Join(h.dir, "pki"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	h.ca = ca
	h.start()
	t.Cleanup(func() {
		h.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", h.log())
		}
	})
	ops := operatorv1.NewRegistryServiceClient(h.dial(authn.Operator, "ops"))
	for _, id := range []string{"messenger", "wallet"} {
		if _, err := ops.RegisterPartner(h.ctx(), &operatorv1.RegisterPartnerRequest{PartnerId: id, DisplayName: id, Access: operatorv1.PartnerAccess_PARTNER_ACCESS_CERTIFICATE}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ops.RegisterBank(h.ctx(), &operatorv1.RegisterBankRequest{
		BankId: bankID, DisplayName: "Banka Morava", Address: h.serveBank(),
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	h.t.Cleanup(cancel)
	return ctx
}

// start runs the program on the house's data directory until it serves.
func (h *house) start() {
	h.t.Helper()
	file := filepath.Join(h.dir, "gateway.addr")
	_ = os.Remove(file)
	h.process = exec.Command(program, "serve", "--data", h.dir, "--listen", "127.0.0.1:0", "--reflection", "--log-level", "debug")
	log, err := os.OpenFile(h.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	h.process.Stderr = log
	if err := h.process.Start(); err != nil {
		h.t.Fatal(err)
	}
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if raw, err := os.ReadFile(file); err == nil && bytes.HasSuffix(raw, []byte("\n")) {
			h.address = strings.TrimSpace(string(raw))
			return
		}
	}
	h.t.Fatalf("the gateway did not start:\n%s", h.log())
}

func (h *house) logFile() string { return filepath.Join(h.dir, "gateway.log") }

func (h *house) log() []byte {
	h.t.Helper()
	raw, err := os.ReadFile(h.logFile())
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

// stop ends the process it started, and waits for it.
func (h *house) stop(sig os.Signal) {
	_ = h.process.Process.Signal(sig)
	_ = h.process.Wait()
}

func (h *house) serveBank() string {
	h.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	cert, err := h.ca.Issue(authn.Identity{Kind: authn.Bank, ID: bankID}, time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	s := grpc.NewServer(grpc.Creds(authn.ServerCredentials(cert, h.ca.Roots(), gatewayOnly{})), grpc.ForceServerCodecV2(codec.New()))
	h.bank.Register(s)
	go func() { _ = s.Serve(l) }()
	h.t.Cleanup(s.Stop)
	return l.Addr().String()
}

type gatewayOnly struct{}

func (gatewayOnly) Registered(_ context.Context, id authn.Identity) (bool, error) {
	return id.Kind == authn.Gateway, nil
}

// dial connects as a party with a fresh certificate of the house's authority.
func (h *house) dial(kind authn.Kind, id string, opts ...grpc.DialOption) *grpc.ClientConn {
	h.t.Helper()
	cert, err := h.ca.Issue(authn.Identity{Kind: kind, ID: id}, time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	creds := authn.ClientCredentials(cert, h.ca.Roots(), authn.Identity{Kind: authn.Gateway, ID: "gateway"})
	return h.connect(creds, opts...)
}

func (h *house) connect(creds credentials.TransportCredentials, opts ...grpc.DialOption) *grpc.ClientConn {
	h.t.Helper()
	conn, err := grpc.NewClient(h.address, append(opts, grpc.WithTransportCredentials(creds))...)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (h *house) accounts(partner string) partnerv1.AccountServiceClient {
	return partnerv1.NewAccountServiceClient(h.dial(authn.Partner, partner))
}

func (h *house) customer() customerv1.ConsentServiceClient {
	return customerv1.NewConsentServiceClient(h.dial(authn.Bank, bankID))
}

func clusters(cs ...datav1.DataCluster) []datav1.DataCluster { return cs }

const (
	accountBasic      = datav1.DataCluster_DATA_CLUSTER_ACCOUNT_BASIC
	balances          = datav1.DataCluster_DATA_CLUSTER_BALANCES
	transactionsBasic = datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_BASIC
)

// request asks for a consent as messenger.
func (h *house) request(kinds []datav1.DataCluster, change func(*consentv1.Terms)) string {
	h.t.Helper()
	terms := &consentv1.Terms{
		Clusters: kinds, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "Your accounts in the chat",
		LookBackDays: 90, ValidUntil: timestamppb.New(time.Now().AddDate(0, 3, 0)), UnattendedPerDay: 4,
	}
	if change != nil {
		change(terms)
	}
	partner := partnerv1.NewConsentServiceClient(h.dial(authn.Partner, "messenger"))
	asked, err := partner.RequestConsent(h.ctx(), &partnerv1.RequestConsentRequest{BankId: bankID, Terms: terms})
	if err != nil {
		h.t.Fatal(err)
	}
	return asked.GetConsent().GetConsentId()
}

// agree requests a consent and authorizes it for these of the bank's accounts.
func (h *house) agree(kinds []datav1.DataCluster, accounts ...string) string {
	h.t.Helper()
	id := h.request(kinds, nil)
	h.authorize(id, kinds, accounts...)
	return id
}

func (h *house) authorize(id string, kinds []datav1.DataCluster, accounts ...string) {
	h.t.Helper()
	choice := &customerv1.AuthorizeConsentRequest{CustomerId: customerID, ConsentId: id}
	for _, a := range accounts {
		choice.Shares = append(choice.Shares, &consentv1.Share{AccountId: a, Clusters: kinds})
	}
	if _, err := h.customer().AuthorizeConsent(h.ctx(), choice); err != nil {
		h.t.Fatal(err)
	}
}

// pairwise is messenger's names of a consent's accounts, in the bank's order.
func (h *house) pairwise(id string) []string {
	h.t.Helper()
	c, err := partnerv1.NewConsentServiceClient(h.dial(authn.Partner, "messenger")).GetConsent(h.ctx(), &partnerv1.GetConsentRequest{ConsentId: id})
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, s := range c.GetConsent().GetShares() {
		out = append(out, s.GetAccountId())
	}
	return out
}

func access(id string) *partnerv1.Access {
	return &partnerv1.Access{
		ConsentId: id, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
	}
}

// disclosures is what the customer sees was released.
func (h *house) disclosures(id string) []*customerv1.Disclosure {
	h.t.Helper()
	out, err := h.customer().ListDisclosures(h.ctx(), &customerv1.ListDisclosuresRequest{CustomerId: customerID, ConsentId: id, PageSize: 500})
	if err != nil {
		h.t.Fatal(err)
	}
	return out.GetDisclosures()
}
