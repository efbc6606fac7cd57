package replicaapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"sluice/authn"
	"sluice/consent"
	"sluice/consent/barrier"
	replicav1 "sluice/gen/sluice/replica/v1"
)

// errNoAddress means that a replica is not registered.
var errNoAddress = errors.New("the replica has no address")

// Service is replica.v1.ReplicaService.
type Service struct {
	replicav1.UnimplementedReplicaServiceServer
	fence func(ctx context.Context, id consent.ID, revision int64) error
}

// New serves notices; fence is barrier.Barrier's.
func New(fence func(ctx context.Context, id consent.ID, revision int64) error) *Service {
	return &Service{fence: fence}
}

// Register adds ReplicaService to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { replicav1.RegisterReplicaServiceServer(r, s) }

// Fence takes a notice and answers when it is obeyed.
func (s *Service) Fence(ctx context.Context, r *replicav1.FenceRequest) (*replicav1.FenceResponse, error) {
	if err := s.fence(ctx, consent.ID(r.GetConsentId()), r.GetRevision()); err != nil {
		return nil, fmt.Errorf("fence: %w", err)
	}
	return &replicav1.FenceResponse{}, nil
}

// Peers sends notices to other replicas, over one connection to each. It may be
// used by many goroutines.
type Peers struct {
	cert  tls.Certificate
	roots *x509.CertPool
	self  authn.Identity

	mu    sync.Mutex
	conns map[string]*grpc.ClientConn // by address
}

// NewPeers calls with cert replicas that one of the roots signed and that are
// the same party as this one, self.
func NewPeers(cert tls.Certificate, roots *x509.CertPool, self authn.Identity) *Peers {
	return &Peers{cert: cert, roots: roots, self: self, conns: map[string]*grpc.ClientConn{}}
}

// Fence sends a notice and waits until it is obeyed.
func (p *Peers) Fence(ctx context.Context, to barrier.Replica, id consent.ID, revision int64) error {
	if to.Address == "" {
		return errNoAddress
	}
	conn, err := p.conn(to.Address)
	if err != nil {
		return err
	}
	// A connection that is being made may be ready in time: the notice waits.
	_, err = replicav1.NewReplicaServiceClient(conn).Fence(ctx,
		&replicav1.FenceRequest{ConsentId: string(id), Revision: revision})
	if err != nil {
		return fmt.Errorf("notice to %s: %w", to.Boot, err)
	}
	return nil
}

func (p *Peers) conn(address string) (*grpc.ClientConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if conn, ok := p.conns[address]; ok {
		return conn, nil
	}
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(authn.ClientCredentials(p.cert, p.roots, p.self)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: time.Second,
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to replica: %w", err)
	}
	p.conns[address] = conn
	return conn, nil
}

// Keep connects to these addresses before they are needed, and lets go of all
// others.
func (p *Peers) Keep(addresses []string) {
	wanted := map[string]bool{}
	for _, a := range addresses {
		wanted[a] = true
		if conn, err := p.conn(a); err == nil {
			conn.Connect()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for a, conn := range p.conns {
		if !wanted[a] {
			_ = conn.Close()
			delete(p.conns, a)
		}
	}
}

// Close ends all connections.
func (p *Peers) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for a, conn := range p.conns {
		errs = append(errs, conn.Close())
		delete(p.conns, a)
	}
	return errors.Join(errs...)
}
