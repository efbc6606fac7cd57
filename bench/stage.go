package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	"sluice/authn/devca"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const startTimeout = 20 * time.Second

// stage is a bank, a pass-through and a gateway, each a process of its own, and
// a partner with a live consent.
type stage struct {
	dir      string
	children []*exec.Cmd
	proxy    server
	gate     server
	consent  string
	account  string // pairwise

	gateAddress string
}

// server is one of the two that are compared.
type server struct {
	name string
	pid  int
	conn *grpc.ClientConn
}

func today() *date.Date {
	y, m, d := time.Now().UTC().Date()
	return dateOf(y, int(m), d)
}

// openStage starts everything; the gateway keeps its data in the database of that
// URL, or in its folder if there is none.
func openStage(ctx context.Context, program, database string) (*stage, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	s := &stage{dir: dir}
	if err := s.start(ctx, program, database); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) start(ctx context.Context, program, database string) error {
	ca, err := devca.Open(filepath.Join(s.dir, "pki"), time.Now())
	if err != nil {
		return fmt.Errorf("open authority: %w", err)
	}
	for _, id := range []authn.Identity{{Kind: authn.Bank, ID: benchBank}, {Kind: authn.Partner, ID: "messenger"}} {
		if _, err := ca.Issue(id, time.Now()); err != nil {
			return fmt.Errorf("issue certificate: %w", err)
		}
	}
	serve := []string{"serve", "--data", s.dir, "--listen", "127.0.0.1:0", "--log-level", "warn"}
	if database != "" {
		config := filepath.Join(s.dir, "sluice.yaml")
		if err := os.WriteFile(config, fmt.Appendf(nil, "database: {url: %q, durability: single-node}\n", database), 0o600); err != nil {
			return fmt.Errorf("write configuration: %w", err)
		}
		serve = append(serve, "--config", config)
	}
	gatePID, err := s.spawn(ctx, nil, program, serve...)
	if err != nil {
		return err
	}
	gateAddress, err := awaitFile(ctx, filepath.Join(s.dir, "gateway.addr"))
	if err != nil {
		return err
	}
	s.gateAddress = gateAddress
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	var bankAddress, proxyAddress string
	if _, err := s.spawn(ctx, &bankAddress, self, "bank", s.dir, "bank-"+benchBank); err != nil {
		return err
	}
	proxyPID, err := s.spawn(ctx, &proxyAddress, self, "proxy", s.dir, bankAddress)
	if err != nil {
		return err
	}
	s.proxy = server{name: "pass-through", pid: proxyPID}
	s.gate = server{name: "gate", pid: gatePID}
	if s.proxy.conn, err = s.dial(proxyAddress, "partner-messenger"); err != nil {
		return err
	}
	if s.gate.conn, err = s.dial(gateAddress, "partner-messenger"); err != nil {
		return err
	}
	return s.agree(ctx, gateAddress, bankAddress)
}

// spawn starts a child; where address is not nil, the child's first line is it.
func (s *stage) spawn(ctx context.Context, address *string, program string, args ...string) (int, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", program, err)
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", program, err)
	}
	s.children = append(s.children, cmd)
	if address != nil {
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			return 0, fmt.Errorf("read address of %s: %w", program, err)
		}
		*address = strings.TrimSpace(line)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return cmd.Process.Pid, nil
}

func awaitFile(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if raw, err := os.ReadFile(path); err == nil && len(raw) > 0 {
			return strings.TrimSpace(string(raw)), nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for %s: %w", path, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *stage) dial(address, certificate string) (*grpc.ClientConn, error) {
	cert, roots, err := loadPair(s.dir, certificate)
	if err != nil {
		return nil, err
	}
	gateway := authn.Identity{Kind: authn.Gateway, ID: "gateway"}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(authn.ClientCredentials(cert, roots, gateway)))
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, nil
}

// agree registers the parties and makes a live consent over three accounts.
func (s *stage) agree(ctx context.Context, gateAddress, bankAddress string) error {
	ops, err := s.dial(gateAddress, "operator-ops")
	if err != nil {
		return err
	}
	defer ops.Close()
	operator := operatorv1.NewRegistryServiceClient(ops)
	if _, err := operator.RegisterPartner(ctx, &operatorv1.RegisterPartnerRequest{PartnerId: "messenger", DisplayName: "Messenger", Access: operatorv1.PartnerAccess_PARTNER_ACCESS_CERTIFICATE}); err != nil {
		return fmt.Errorf("register partner: %w", err)
	}
	if _, err := operator.RegisterBank(ctx, &operatorv1.RegisterBankRequest{BankId: benchBank, DisplayName: "Bench", Address: bankAddress}); err != nil {
		return fmt.Errorf("register bank: %w", err)
	}
	clusters := []datav1.DataCluster{
		datav1.DataCluster_DATA_CLUSTER_BALANCES, datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_BASIC,
		datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_DETAILED,
	}
	asked, err := partnerv1.NewConsentServiceClient(s.gate.conn).RequestConsent(ctx, &partnerv1.RequestConsentRequest{
		BankId: benchBank,
		Terms: &consentv1.Terms{
			Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "measuring",
			LookBackDays: 90, ValidUntil: timestamppb.New(time.Now().AddDate(0, 1, 0)),
		},
	})
	if err != nil {
		return fmt.Errorf("request consent: %w", err)
	}
	s.consent = asked.GetConsent().GetConsentId()
	bank, err := s.dial(gateAddress, "bank-"+benchBank)
	if err != nil {
		return err
	}
	defer bank.Close()
	choice := &customerv1.AuthorizeConsentRequest{CustomerId: benchCustomer, ConsentId: s.consent}
	for _, id := range accountIDs() {
		choice.Shares = append(choice.Shares, &consentv1.Share{AccountId: id, Clusters: clusters})
	}
	if _, err := customerv1.NewConsentServiceClient(bank).AuthorizeConsent(ctx, choice); err != nil {
		return fmt.Errorf("authorize consent: %w", err)
	}
	mine, err := partnerv1.NewConsentServiceClient(s.gate.conn).GetConsent(ctx, &partnerv1.GetConsentRequest{ConsentId: s.consent})
	if err != nil {
		return fmt.Errorf("read consent: %w", err)
	}
	s.account = mine.GetConsent().GetShares()[0].GetAccountId()
	return nil
}

// close ends the processes it started, and only these.
func (s *stage) close() error {
	for _, c := range []*grpc.ClientConn{s.proxy.conn, s.gate.conn} {
		if c != nil {
			_ = c.Close() // nothing is under way
		}
	}
	for _, child := range s.children {
		_ = child.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		_ = child.Wait()                          // its exit code says nothing here
	}
	return os.RemoveAll(s.dir)
}
