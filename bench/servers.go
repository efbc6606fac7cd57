package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"sluice/authn"
	"sluice/bank"
	"sluice/bank/banktest"
	"sluice/gateway/codec"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// anyone admits whoever the authority signed: the pass-through knows no registry.
type anyone struct{}

func (anyone) Registered(context.Context, authn.Identity) (bool, error) { return true, nil }

func loadPair(dir, name string) (tls.Certificate, *x509.CertPool, error) {
	pki := filepath.Join(dir, "pki")
	cert, err := tls.LoadX509KeyPair(filepath.Join(pki, name+".crt"), filepath.Join(pki, name+".key"))
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("load certificate: %w", err)
	}
	pem, err := os.ReadFile(filepath.Join(pki, "ca.crt"))
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("load authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return cert, roots, nil
}

func serve(ctx context.Context, s *grpc.Server) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Println(l.Addr())
	defer context.AfterFunc(ctx, s.Stop)()
	if err := s.Serve(l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// serveBank answers every call at once with the same encoded messages, so that
// the bank weighs as little as possible in what is measured.
func serveBank(ctx context.Context, dir, certificate string) error {
	cert, roots, err := loadPair(dir, certificate)
	if err != nil {
		return err
	}
	b := banktest.New()
	b.Answer(bank.ListAccounts, accountsAnswer())
	b.Answer(bank.ListHolders, banktest.HeldBy(benchCustomer, append(accountIDs(), feedAccounts()...)...))
	b.Answer(bank.ListBalances, balancesAnswer())
	b.Answer(bank.ListTransactions, transactionsAnswer())
	s := grpc.NewServer(grpc.Creds(authn.ServerCredentials(cert, roots, anyone{})), grpc.ForceServerCodecV2(codec.New()))
	b.Register(s)
	return serve(ctx, s)
}

// serveProxy hands encoded messages through, unary, over mutual TLS on both
// sides: the least that any gateway between the two has to do.
func serveProxy(ctx context.Context, dir, upstream string) error {
	cert, roots, err := loadPair(dir, "gateway-gateway")
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(upstream,
		grpc.WithTransportCredentials(authn.ClientCredentials(cert, roots, authn.Identity{Kind: authn.Bank, ID: benchBank})),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec.New())))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	desc := bankv1.BankService_ServiceDesc
	desc.Methods = nil
	for _, m := range []bank.Method{bank.ListBalances, bank.ListTransactions} {
		desc.Methods = append(desc.Methods, passThrough(conn, string(m)))
	}
	s := grpc.NewServer(grpc.Creds(authn.ServerCredentials(cert, roots, anyone{})), grpc.ForceServerCodecV2(codec.New()))
	s.RegisterService(&desc, nil)
	return serve(ctx, s)
}

func passThrough(conn *grpc.ClientConn, method string) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: method[strings.LastIndexByte(method, '/')+1:],
		Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var in codec.Frame
			if err := decode(&in); err != nil {
				return nil, err
			}
			var out codec.Frame
			if err := conn.Invoke(ctx, method, &in, &out); err != nil {
				return nil, err
			}
			return &out, nil
		},
	}
}

const (
	benchBank     = "bench"
	benchCustomer = "customer"
)

func accountIDs() []string { return []string{"A1", "A2", "A3"} }

func czk(units int64, nanos int32) *money.Money {
	return &money.Money{CurrencyCode: "CZK", Units: units, Nanos: nanos}
}

func accountsAnswer() proto.Message {
	out := &bankv1.ListAccountsResponse{}
	for _, id := range append(accountIDs(), feedAccounts()...) {
		out.Accounts = append(out.Accounts, &datav1.Account{AccountId: id, Currency: "CZK", Number: "CZ6508000000192000145399"})
	}
	return out
}

func balancesAnswer() proto.Message {
	out := &bankv1.ListBalancesResponse{}
	for i, id := range accountIDs() {
		out.Accounts = append(out.Accounts, &datav1.AccountBalances{AccountId: id, Balances: []*datav1.Balance{
			{Type: datav1.BalanceType_BALANCE_TYPE_INTERIM_AVAILABLE, Amount: czk(int64(1000*i), 500_000_000)},
		}})
	}
	return out
}

func transactionsAnswer() proto.Message {
	account := &datav1.AccountTransactions{AccountId: accountIDs()[0]}
	today := today()
	for i := range 100 {
		account.Transactions = append(account.Transactions, &datav1.Transaction{
			TransactionId: fmt.Sprintf("T%06d", i), Status: datav1.TransactionStatus_TRANSACTION_STATUS_POSTED,
			BookingDate: today, ValueDate: today, Amount: czk(-int64(i), -250_000_000),
			Kind:         datav1.TransactionKind_TRANSACTION_KIND_TRANSFER_OUT,
			BalanceAfter: czk(10_000-int64(i), 0), Description: "Household payment by standing order",
			Counterparty: &datav1.Counterparty{Name: "Client 17", BankCode: "YZ", AccountNumber: "87144583"},
		})
	}
	return &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{account}}
}

func dateOf(y, m, d int) *date.Date {
	return &date.Date{Year: int32(y), Month: int32(m), Day: int32(d)}
}
