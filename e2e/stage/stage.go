package stage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"sluice/authn"
	"sluice/authn/devca"
)

const (
	startTimeout = 30 * time.Second
	tick         = 10 * time.Millisecond
)

// Stage is a running gateway and whoever was started around it.
type Stage struct {
	Dir, Program string
	CA           *devca.Authority
	Address      string // gRPC
	URL          string // the pages and the authorization server
	MTLS         string // the authorization server for clients with a certificate

	gateway *exec.Cmd
	exited  chan struct{}
	log     *os.File

	mu       sync.Mutex
	banks    map[string]*exec.Cmd
	sites    []*exec.Cmd // messengers
	certs    map[authn.Identity]tls.Certificate
	conns    map[authn.Identity]*grpc.ClientConn
	partners []*Partner
}

// Build builds the program into dir.
func Build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "sluice")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "sluice/cmd/sluice").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w: %s", err, out)
	}
	return program, nil
}

// Open starts a gateway with its pages on a folder of its own, and waits until it
// serves.
func Open(ctx context.Context, program string) (_ *Stage, err error) {
	s := &Stage{
		Program: program, banks: map[string]*exec.Cmd{},
		certs: map[authn.Identity]tls.Certificate{}, conns: map[authn.Identity]*grpc.ClientConn{},
	}
	if s.Dir, err = os.MkdirTemp("", "sluice-stage-"); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.log, err = os.Create(filepath.Join(s.Dir, "log")); err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	if s.CA, err = devca.Open(filepath.Join(s.Dir, "pki"), time.Now()); err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, s.ready(ctx)
}

func (s *Stage) start(ctx context.Context) error {
	var at [3]string
	for i := range at {
		var err error
		if at[i], err = freeAddress(ctx); err != nil {
			return err
		}
	}
	s.Address, s.URL, s.MTLS = at[0], "https://localhost:"+port(at[1]), "https://localhost:"+port(at[2])
	file := filepath.Join(s.Dir, "sluice.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `data: %s
listen: %s
log_level: debug
database: {durability: single-node}
web: {listen: %q, mtls_listen: %q, operator: "Sluice Testing", private_addresses: true}
`, s.Dir, at[0], at[1], at[2]), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	s.gateway = exec.Command(s.Program, "serve", "--config", file) //nolint:noctx // ended by its id
	s.gateway.Stderr = s.log
	if err := s.gateway.Start(); err != nil {
		return fmt.Errorf("start gateway: %w", err)
	}
	s.exited = make(chan struct{})
	go func() { _ = s.gateway.Wait(); close(s.exited) }()
	return nil
}

func port(address string) string {
	_, p, _ := net.SplitHostPort(address) // it is a listener's
	return p
}

// freeAddress finds a port that is free: below 32768 no outgoing connection takes
// one.
func freeAddress(ctx context.Context) (string, error) {
	var (
		listen net.ListenConfig
		err    error
	)
	for range 100 {
		var l net.Listener
		if l, err = listen.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", 23000+rand.IntN(9000))); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", fmt.Errorf("find a port: %w", err)
}

// ready waits until the gateway serves.
func (s *Stage) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	conn, err := s.As(authn.Operator, "ops")
	if err != nil {
		return err
	}
	for {
		out, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
		if err == nil && out.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("the gateway ended; the last of the log: %s", s.LastLog())
		case <-ctx.Done():
			return fmt.Errorf("the gateway does not serve: %w: %w", ctx.Err(), err)
		case <-time.After(tick):
		}
	}
}

// As is the connection of a party to the gateway.
func (s *Stage) As(kind authn.Kind, id string) (*grpc.ClientConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := authn.Identity{Kind: kind, ID: id}
	if c := s.conns[who]; c != nil {
		return c, nil
	}
	cert, err := s.certificate(who)
	if err != nil {
		return nil, err
	}
	creds := authn.ClientCredentials(cert, s.CA.Roots(), authn.Identity{Kind: authn.Gateway, ID: "gateway"})
	conn, err := grpc.NewClient(s.Address, grpc.WithTransportCredentials(creds))
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s.conns[who] = conn
	return conn, nil
}

// certificate is one for each identity, so that tokens bound to it fit every
// connection. The caller holds the lock.
func (s *Stage) certificate(who authn.Identity) (tls.Certificate, error) {
	if cert, ok := s.certs[who]; ok {
		return cert, nil
	}
	cert, err := s.CA.Issue(who, time.Now())
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("issue certificate: %w", err)
	}
	s.certs[who] = cert
	return cert, nil
}

// Certificate is what a party proves itself with here.
func (s *Stage) Certificate(kind authn.Kind, id string) (tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.certificate(authn.Identity{Kind: kind, ID: id})
}

// Keys are the SHA-256 of the public keys, in base64, that servers of the stage
// prove themselves with: for a browser that shall believe them.
func (s *Stage) Keys() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.Dir, "pki", "*.crt"))
	if err != nil {
		return nil, fmt.Errorf("list certificates: %w", err)
	}
	var out []string
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		block, _ := pem.Decode(bytes.TrimSpace(raw))
		if block == nil {
			return nil, fmt.Errorf("read certificate: %s is none", f)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
		out = append(out, base64.StdEncoding.EncodeToString(sum[:]))
	}
	return out, nil
}

// LastLog is the end of what the processes logged, without what banks ask for over
// and over.
func (s *Stage) LastLog() string {
	raw, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	lines := slices.DeleteFunc(strings.Split(string(raw), "\n"), func(l string) bool {
		return l == "" || strings.Contains(l, "/ListConsentEvents ") && strings.Contains(l, "level=DEBUG")
	})
	return strings.Join(lines[max(0, len(lines)-80):], "\n")
}

// Close ends what was started, and only that.
func (s *Stage) Close() error {
	var errs []error
	for _, p := range s.partners {
		errs = append(errs, p.close())
	}
	for _, c := range s.sites {
		errs = append(errs, end(c))
	}
	for _, c := range s.conns {
		errs = append(errs, c.Close())
	}
	for id := range s.banks {
		s.StopBank(id)
	}
	if s.exited != nil {
		_ = s.gateway.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.exited:
		case <-time.After(startTimeout):
			_ = s.gateway.Process.Kill()
			<-s.exited
		}
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.Dir))...)
}
