package authn_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"sluice/authn"
	"sluice/authn/devca"
	partnerv1 "sluice/gen/sluice/partner/v1"
	replicav1 "sluice/gen/sluice/replica/v1"
)

type known map[authn.Identity]bool

func (k known) Registered(_ context.Context, id authn.Identity) (bool, error) {
	if id.ID == "unreadable" {
		return true, errors.New("registry is down")
	}
	return k[id], nil
}

func authority(t *testing.T) *devca.Authority {
	t.Helper()
	ca, err := devca.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func issue(t *testing.T, ca *devca.Authority, kind authn.Kind, id string, at time.Time) tls.Certificate {
	t.Helper()
	cert, err := ca.Issue(authn.Identity{Kind: kind, ID: id}, at)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// serve answers health checks and notes who called.
func serve(t *testing.T, ca *devca.Authority, parties authn.Registered) (string, func() authn.Caller) {
	t.Helper()
	return serveWith(t, authn.ServerCredentials(issue(t, ca, authn.Gateway, "gateway", time.Now()), ca.Roots(), parties))
}

func serveWith(t *testing.T, creds credentials.TransportCredentials) (string, func() authn.Caller) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	callers := make(chan authn.Caller, 1)
	s := grpc.NewServer(grpc.Creds(creds), grpc.UnaryInterceptor(
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			caller, _ := authn.FromContext(ctx)
			callers <- caller
			return next(ctx, req)
		}))
	healthpb.RegisterHealthServer(s, health.NewServer())
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String(), func() authn.Caller { return <-callers }
}

func check(t *testing.T, address string, creds credentials.TransportCredentials) error {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err = healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	return err
}

func TestHandshakeAdmitsOnlyRegisteredPartiesOfTheAuthority(t *testing.T) {
	ca, stranger := authority(t), authority(t)
	messenger := authn.Identity{Kind: authn.Partner, ID: "messenger"}
	address, caller := serve(t, ca, known{messenger: true})
	gateway := authn.Identity{Kind: authn.Gateway, ID: "gateway"}
	now := time.Now()

	t.Run("a registered partner is let in and known", func(t *testing.T) {
		creds := authn.ClientCredentials(issue(t, ca, authn.Partner, "messenger", now), ca.Roots(), gateway)
		if err := check(t, address, creds); err != nil {
			t.Fatal(err)
		}
		got := caller()
		if id, ok := got.Partner(); !ok || id != "messenger" {
			t.Errorf("caller = %v, want partner messenger", got)
		}
		if _, ok := got.Bank(); ok {
			t.Error("a partner passes for a bank")
		}
	})

	refused := badCertificates(t, ca, stranger)
	refused["no certificate"] = &tls.Config{RootCAs: ca.Roots()}
	for name, cfg := range refused {
		t.Run(name+" is refused", func(t *testing.T) {
			err := check(t, address, credentials.NewTLS(cfg))
			if status.Code(err) != codes.Unavailable {
				t.Errorf("call = %v, want the connection refused", err)
			}
		})
	}
}

func badCertificates(t *testing.T, ca, stranger *devca.Authority) map[string]*tls.Config {
	t.Helper()
	now := time.Now()
	return map[string]*tls.Config{
		"certificate of another authority":  client(ca, issue(t, stranger, authn.Partner, "messenger", now)),
		"unregistered partner":              client(ca, issue(t, ca, authn.Partner, "nobody", now)),
		"bank with a registered partner id": client(ca, issue(t, ca, authn.Bank, "messenger", now)),
		"ended certificate":                 client(ca, issue(t, ca, authn.Partner, "messenger", now.AddDate(0, 0, -30))),
		"registry can't be read":            client(ca, issue(t, ca, authn.Partner, "unreadable", now)),
		"TLS 1.2":                           {RootCAs: ca.Roots(), MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{issue(t, ca, authn.Partner, "messenger", now)}},
	}
}

// A server that takes tokens knows who showed a good certificate, refuses a bad
// one as any server does, and takes who shows none for nobody.
func TestAServerThatTakesTokensRefusesBadCertificatesAndKnowsNobodyWithout(t *testing.T) {
	ca, stranger := authority(t), authority(t)
	creds := authn.TokenServerCredentials(issue(t, ca, authn.Gateway, "gateway", time.Now()), ca.Roots(),
		known{{Kind: authn.Partner, ID: "messenger"}: true})
	address, caller := serveWith(t, creds)
	if err := check(t, address, credentials.NewTLS(client(ca, issue(t, ca, authn.Partner, "messenger", time.Now())))); err != nil {
		t.Fatal(err)
	}
	if id, ok := caller().Partner(); !ok || id != "messenger" {
		t.Errorf("caller = %q, want messenger", id)
	}
	if err := check(t, address, credentials.NewTLS(&tls.Config{RootCAs: ca.Roots()})); err != nil {
		t.Fatal(err)
	}
	if got := caller(); got != (authn.Caller{}) {
		t.Errorf("caller = %v, want nobody", got)
	}
	for name, cfg := range badCertificates(t, ca, stranger) {
		t.Run(name+" is refused", func(t *testing.T) {
			// A client that knows which authorities the server trusts leaves a
			// stranger's certificate at home; this one shows what it has.
			if len(cfg.Certificates) == 1 {
				cert := cfg.Certificates[0]
				cfg.Certificates, cfg.GetClientCertificate = nil, func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
			}
			if err := check(t, address, credentials.NewTLS(cfg)); status.Code(err) != codes.Unavailable {
				t.Errorf("call = %v, want the connection refused", err)
			}
		})
	}
}

func TestTokensAreTakenByPartnersMethodsAlone(t *testing.T) {
	s := grpc.NewServer()
	partnerv1.RegisterAccountServiceServer(s, partnerv1.UnimplementedAccountServiceServer{})
	healthpb.RegisterHealthServer(s, health.NewServer())
	replicav1.RegisterReplicaServiceServer(s, replicav1.UnimplementedReplicaServiceServer{})
	m, err := authn.MethodsOf(s.GetServiceInfo())
	if err != nil {
		t.Fatal(err)
	}
	for service, info := range s.GetServiceInfo() {
		for _, method := range info.Methods {
			want := strings.HasPrefix(service, "sluice.partner.")
			if got := m.TakesTokens("/" + service + "/" + method.Name); got != want {
				t.Errorf("%s/%s takes tokens: %t", service, method.Name, got)
			}
		}
	}
	if m.TakesTokens("/made.up.Service/Do") {
		t.Error("a method that is not there takes tokens")
	}
}

func client(ca *devca.Authority, cert tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: ca.Roots(), Certificates: []tls.Certificate{cert}}
}

func TestClientRefusesAServerThatIsAnotherParty(t *testing.T) {
	ca := authority(t)
	messenger := authn.Identity{Kind: authn.Partner, ID: "messenger"}
	address, _ := serve(t, ca, known{messenger: true})
	want := authn.Identity{Kind: authn.Bank, ID: "morava"}
	err := check(t, address, authn.ClientCredentials(issue(t, ca, authn.Partner, "messenger", time.Now()), ca.Roots(), want))
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "spiffe://sluice/bank/morava") {
		t.Errorf("call = %v, want a refusal that names the bank meant", err)
	}
}

func TestServerWithAnUndeclaredMethodDoesNotStart(t *testing.T) {
	registerUndeclared(t)
	declared := map[string]grpc.ServiceInfo{
		"sluice.partner.v1.AccountService": {Methods: []grpc.MethodInfo{{Name: "ListAccounts"}}},
		"grpc.health.v1.Health":            {Methods: []grpc.MethodInfo{{Name: "Check"}}},
	}
	if _, err := authn.MethodsOf(declared); err != nil {
		t.Fatalf("declared methods: %v", err)
	}
	for name, services := range map[string]map[string]grpc.ServiceInfo{
		"service in no contract":    {"made.up.Service": {Methods: []grpc.MethodInfo{{Name: "Do"}}}},
		"method in no contract":     {"sluice.partner.v1.AccountService": {Methods: []grpc.MethodInfo{{Name: "Do"}}}},
		"method without the option": {"undeclared.Service": {Methods: []grpc.MethodInfo{{Name: "Do"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := authn.MethodsOf(services); !errors.Is(err, authn.ErrUndeclared) {
				t.Errorf("MethodsOf = %v, want ErrUndeclared", err)
			}
		})
	}
}

// registerUndeclared adds a contract whose one method forgot the option.
func registerUndeclared(t *testing.T) {
	t.Helper()
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("undeclared.proto"), Package: proto.String("undeclared"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Empty")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("Service"),
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("Do"), InputType: proto.String(".undeclared.Empty"), OutputType: proto.String(".undeclared.Empty"),
			}},
		}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	if err := protoregistry.GlobalFiles.RegisterFile(file); err != nil {
		t.Fatal(err)
	}
}

func TestEveryMethodOfTheContractTakesOneKindOfCaller(t *testing.T) {
	s := grpc.NewServer()
	partnerv1.RegisterAccountServiceServer(s, partnerv1.UnimplementedAccountServiceServer{})
	m, err := authn.MethodsOf(s.GetServiceInfo())
	if err != nil {
		t.Fatal(err)
	}
	if m.Takes("/sluice.partner.v1.AccountService/ListAccounts", authn.Caller{}) {
		t.Error("nobody may call a partner's method")
	}
	if m.Takes("/sluice.partner.v1.AccountService/Unknown", authn.Caller{}) {
		t.Error("an unknown method takes a caller")
	}
}

func TestAuthorityIsKeptAndItsKeysAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	first, err := devca.Open(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Issue(authn.Identity{Kind: authn.Partner, ID: "messenger"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	second, err := devca.Open(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !first.Roots().Equal(second.Roots()) {
		t.Error("the authority was made anew")
	}
	for _, name := range []string{"ca.key", "partner-messenger.key"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", name, info.Mode().Perm())
		}
	}
	if _, err := devca.Open(dir, time.Now().AddDate(2, 0, 0)); err == nil {
		t.Error("an ended authority was opened")
	}
	if _, err := first.Issue(authn.Identity{Kind: authn.Partner, ID: "../x"}, time.Now()); err == nil {
		t.Error("a certificate was issued for a malformed id")
	}
}
