package bankgrpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sluice/authn"
	"sluice/bank"
	"sluice/consent"
	"sluice/gateway/codec"
	bankv1 "sluice/gen/sluice/bank/v1"
	"sluice/registry"
)

// MaxAnswer is the largest answer that is taken from a bank, in bytes.
const MaxAnswer = 4 << 20

// reconnectWithin is how soon a bank that came back is tried again.
const reconnectWithin = 2 * time.Second

// Banks knows where banks are.
type Banks interface {
	Bank(ctx context.Context, id consent.BankID) (registry.Bank, error)
}

// Directory keeps one connection to each bank. It may be used by many goroutines.
type Directory struct {
	banks   Banks
	cert    tls.Certificate
	roots   *x509.CertPool
	timeout time.Duration

	mu    sync.Mutex
	conns map[consent.BankID]*source // by bank; replaced when its address changes
}

// New makes a directory that calls with cert, believes banks that one of the
// roots signed, and waits at most timeout for each answer.
func New(banks Banks, cert tls.Certificate, roots *x509.CertPool, timeout time.Duration) *Directory {
	return &Directory{banks: banks, cert: cert, roots: roots, timeout: timeout, conns: map[consent.BankID]*source{}}
}

// Source finds a bank's connection; it is made at the first call through it.
func (d *Directory) Source(ctx context.Context, id consent.BankID) (bank.Source, error) {
	b, err := d.banks.Bank(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("look up bank: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.conns[id]; ok && s.address == b.Address {
		return s, nil
	}
	want := authn.Identity{Kind: authn.Bank, ID: string(id)}
	conn, err := grpc.NewClient(b.Address,
		grpc.WithTransportCredentials(authn.ClientCredentials(d.cert, d.roots, want)),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec.New()), grpc.MaxCallRecvMsgSize(MaxAnswer)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnectWithin},
			MinConnectTimeout: reconnectWithin,
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to bank: %w", err)
	}
	if old, ok := d.conns[id]; ok {
		// Calls on the old address are given up: the bank has moved.
		_ = old.conn.Close()
	}
	s := &source{address: b.Address, conn: conn, timeout: d.timeout}
	d.conns[id] = s
	return s, nil
}

// Close ends all connections.
func (d *Directory) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for id, s := range d.conns {
		errs = append(errs, s.conn.Close())
		delete(d.conns, id)
	}
	return errors.Join(errs...)
}

type source struct {
	address string
	conn    *grpc.ClientConn
	timeout time.Duration
}

// Fetch asks the bank and takes its answer as it is.
func (s *source) Fetch(ctx context.Context, m bank.Method, r bank.Request) (bank.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := request(m, r)
	if err != nil {
		return bank.Answer{}, err
	}
	var frame codec.Frame
	if err := s.conn.Invoke(ctx, string(m), req, &frame); err != nil {
		if talk(m) {
			return bank.Answer{}, failedTalk(m, err)
		}
		return bank.Answer{}, failed(err)
	}
	return bank.NewAnswer(frame.Bytes(), frame.Free), nil
}

// Reach connects, and waits until that is done.
func (s *source) Reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	s.conn.Connect()
	for {
		switch now := s.conn.GetState(); now {
		case connectivity.Ready:
			return nil
		case connectivity.TransientFailure, connectivity.Shutdown:
			return fmt.Errorf("%w: %s", bank.ErrUnavailable, now)
		default:
			if !s.conn.WaitForStateChange(ctx, now) {
				return fmt.Errorf("%w: %s", bank.ErrUnavailable, now)
			}
		}
	}
}

// failed keeps the code of a bank's error and nothing else.
func failed(err error) error {
	c := status.Code(err)
	switch c {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Canceled:
		return fmt.Errorf("%w: %s", bank.ErrUnavailable, c)
	case codes.NotFound:
		return bank.ErrNoCustomer
	default:
		return fmt.Errorf("bank answered %s", c)
	}
}

func request(m bank.Method, r bank.Request) (proto.Message, error) {
	subject := &bankv1.Subject{CustomerId: string(r.Customer), Clusters: r.Clusters.List()}
	for _, a := range r.Accounts {
		subject.AccountIds = append(subject.AccountIds, string(a))
	}
	switch m {
	case bank.ListAccounts:
		return &bankv1.ListAccountsRequest{Subject: subject}, nil
	case bank.ListHolders:
		return &bankv1.ListHoldersRequest{Subject: subject}, nil
	case bank.ListBalances:
		return &bankv1.ListBalancesRequest{Subject: subject}, nil
	case bank.ListCards:
		return &bankv1.ListCardsRequest{Subject: subject}, nil
	case bank.ListAlerts:
		return &bankv1.ListAlertsRequest{Subject: subject}, nil
	case bank.ListTransactions:
		return &bankv1.ListTransactionsRequest{
			Subject: subject, FromDate: dateOf(r.From), ToDate: dateOf(r.To),
			PageSize: int32(r.PageSize), PageToken: r.PageToken,
		}, nil
	default:
		return conversation(m, subject, r)
	}
}

func dateOf(d consent.Day) *date.Date {
	y, m, day := d.Date()
	return &date.Date{Year: int32(y), Month: int32(m), Day: int32(day)}
}
