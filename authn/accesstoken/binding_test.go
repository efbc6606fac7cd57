package accesstoken_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/refusal"
)

type everybody struct{}

func (everybody) Registered(context.Context, authn.Identity) (bool, error) { return true, nil }

// served is a server that admits by w's verifier and says what came of it.
type served struct {
	*world
	ca      *devca.Authority
	address string
	outcome chan error
	callers chan authn.Caller
}

func serve(t *testing.T) *served {
	t.Helper()
	ca, err := devca.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := &served{world: newWorld(t), ca: ca, outcome: make(chan error, 1), callers: make(chan authn.Caller, 1)}
	server := grpc.NewServer(grpc.Creds(authn.TokenServerCredentials(s.issue(authn.Gateway, "gateway"), ca.Roots(), everybody{})),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			ctx, err := s.verifier.Admit(ctx, method)
			caller, _ := authn.FromContext(ctx)
			s.outcome <- err
			s.callers <- caller
			return next(ctx, req)
		}))
	healthpb.RegisterHealthServer(server, health.NewServer())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	s.address = l.Addr().String()
	return s
}

func (s *served) issue(kind authn.Kind, id string) tls.Certificate {
	s.t.Helper()
	cert, err := s.ca.Issue(authn.Identity{Kind: kind, ID: id}, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return cert
}

// call calls over a connection with a certificate, or with none, and answers
// what Admit said and who calls.
func (s *served) call(cert *tls.Certificate, pairs ...string) (authn.Caller, error) {
	s.t.Helper()
	cfg := &tls.Config{RootCAs: s.ca.Roots(), MinVersion: tls.VersionTLS13}
	if cert != nil {
		cfg.Certificates = []tls.Certificate{*cert}
	}
	conn, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(credentials.NewTLS(cfg)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(s.t.Context(), pairs...), 10*time.Second)
	defer cancel()
	if _, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
		s.t.Fatal(err)
	}
	return <-s.callers, <-s.outcome
}

func x5t(cert tls.Certificate) string {
	sum := sha256.Sum256(cert.Certificate[0])
	return b64(sum[:])
}

func TestATokenBoundToACertificateIsGoodOnItsConnectionsOnly(t *testing.T) {
	s := serve(t)
	mine, other, older := s.issue(authn.Partner, "messenger"), s.issue(authn.Partner, "wallet"), s.issue(authn.Partner, "messenger")
	token := s.token(set("cnf", object{"x5t#S256": x5t(mine)}))
	caller, err := s.call(&mine, "authorization", "Bearer "+token)
	if partner, ok := caller.Partner(); err != nil || !ok || partner != "messenger" {
		t.Errorf("with the certificate: %v, %v", caller, err)
	}
	for name, scheme := range map[string][]string{
		"by DPoP, with a proof": {"authorization", "DPoP " + token, "dpop", s.proof(token)},
		"with a proof":          {"authorization", "Bearer " + token, "dpop", s.proof(token)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.call(&mine, scheme...)
			refusedFor(t, err, refusal.TokenInvalid)
		})
	}
	for name, cert := range map[string]*tls.Certificate{
		"another partner's certificate": &other, "another certificate of the partner": &older, "no certificate": nil,
	} {
		t.Run(name, func(t *testing.T) {
			caller, err := s.call(cert, "authorization", "Bearer "+token)
			refusedFor(t, err, refusal.TokenInvalid)
			if partner, _ := caller.Partner(); cert == nil && partner != "" {
				t.Errorf("nobody became %s", partner)
			}
		})
	}
}

func TestATokenBoundToBothNeedsBoth(t *testing.T) {
	s := serve(t)
	mine, other := s.issue(authn.Partner, "messenger"), s.issue(authn.Partner, "wallet")
	token := s.token(set("cnf", object{"x5t#S256": x5t(mine), "jkt": thumbprint(t, &s.partner.PublicKey)}))
	if _, err := s.call(&mine, "authorization", "DPoP "+token, "dpop", s.proof(token)); err != nil {
		t.Errorf("with both: %v", err)
	}
	stranger := newWorld(t)
	stranger.server = s.server
	for name, call := range map[string]func() error{
		"certificate alone": func() error { _, err := s.call(&mine, "authorization", "Bearer "+token); return err },
		"proof alone": func() error {
			_, err := s.call(nil, "authorization", "DPoP "+token, "dpop", s.proof(token))
			return err
		},
		"another certificate": func() error {
			_, err := s.call(&other, "authorization", "DPoP "+token, "dpop", s.proof(token))
			return err
		},
		"another key": func() error {
			_, err := s.call(&mine, "authorization", "DPoP "+token, "dpop", stranger.proof(token))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { refusedFor(t, call(), refusal.TokenInvalid) })
	}
}

func TestAConnectionWithoutCertificateIsWhoeverTheProofProves(t *testing.T) {
	s := serve(t)
	token := s.token()
	caller, err := s.call(nil, "authorization", "DPoP "+token, "dpop", s.proof(token))
	if partner, ok := caller.Partner(); err != nil || !ok || partner != "messenger" {
		t.Errorf("caller = %v, %v", caller, err)
	}
	if caller, err := s.call(nil); err != nil || caller != (authn.Caller{}) {
		t.Errorf("without a token: %v, %v; want nobody", caller, err)
	}
}

func TestCertificateAndTokenAreOfTheSameParty(t *testing.T) {
	s := serve(t)
	token := s.token()
	mine := s.issue(authn.Partner, "messenger")
	if _, err := s.call(&mine, "authorization", "DPoP "+token, "dpop", s.proof(token)); err != nil {
		t.Errorf("the partner's own: %v", err)
	}
	for _, who := range []authn.Identity{{Kind: authn.Partner, ID: "wallet"}, {Kind: authn.Bank, ID: "messenger"}, {Kind: authn.Operator, ID: "messenger"}} {
		cert := s.issue(who.Kind, who.ID)
		caller, err := s.call(&cert, "authorization", "DPoP "+token, "dpop", s.proof(token))
		refusedFor(t, err, refusal.TokenInvalid)
		if caller.Kind() != who.Kind || caller.ID() != who.ID {
			t.Errorf("%s became %v", who.URI(), caller)
		}
	}
}
