package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"sluice/authn"
)

// replica is one gateway process, with a link to everything it talks to.
type replica struct {
	stage            *stage
	name, dir        string
	address          string // its own
	sql, redis, peer *link  // peer is how other replicas reach it
	conns            map[authn.Identity]*grpc.ClientConn

	mu      sync.Mutex
	process *exec.Cmd
	shift   string // of its wall clock
	exited  chan struct{}
}

func newReplica(ctx context.Context, s *stage, i int, postgres string) (*replica, error) {
	r := &replica{stage: s, name: fmt.Sprintf("replica%d", i), conns: map[authn.Identity]*grpc.ClientConn{}}
	r.dir = filepath.Join(s.dir, r.name)
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if i == 0 {
		if err := copyFolderOf(s.dir, r.dir); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(postgres)
	if err != nil {
		return nil, fmt.Errorf("read URL: %w", err)
	}
	if r.sql, err = newLink(ctx, u.Host); err != nil {
		return nil, err
	}
	if r.redis, err = newLink(ctx, s.redis); err != nil {
		return nil, err
	}
	if r.address, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	if r.peer, err = newLink(ctx, r.address); err != nil {
		return nil, err
	}
	u.Host = r.sql.address()
	return r, os.WriteFile(r.config(), fmt.Appendf(nil, `data: %s
listen: %s
log_level: warn
database: {url: %q, durability: single-node}
redis: {addresses: [%q]}
replica: {advertise: %q}
`, r.dir, r.address, u.String(), r.redis.address(), r.peer.address()), 0o600)
}

// freeAddress finds a port that is free and stays so over restarts: below 32768
// no outgoing connection takes one.
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

// copyFolderOf gives the first replica the authority.
func copyFolderOf(from, to string) error {
	return os.CopyFS(filepath.Join(to, "pki"), os.DirFS(filepath.Join(from, "pki"))) //nolint:wrapcheck // says what it is
}

func (r *replica) config() string { return filepath.Join(r.dir, "sluice.yaml") }

// start runs the process, with its wall clock shifted.
func (r *replica) start(ctx context.Context, shift string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	cmd := exec.Command(r.stage.program, "serve", "--config", r.config()) //nolint:noctx // ended by its id
	cmd.Env = append(os.Environ(), "SLUICE_CLOCK_SHIFT="+shift)
	cmd.Stderr = r.stage.log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", r.name, err)
	}
	r.process, r.shift, r.exited = cmd, shift, make(chan struct{})
	go func(done chan struct{}) { _ = cmd.Wait(); close(done) }(r.exited)
	return ctx.Err() //nolint:wrapcheck // the run is over
}

func (r *replica) alive() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process == nil {
		return false
	}
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

func (r *replica) signal(sig syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process != nil {
		_ = r.process.Process.Signal(sig)
	}
}

// kill ends the process at once and waits for it.
func (r *replica) kill() { r.end(syscall.SIGKILL) }

// stop lets it drain.
func (r *replica) stop() { r.end(syscall.SIGTERM) }

func (r *replica) end(sig syscall.Signal) {
	if !r.alive() {
		return
	}
	r.signal(syscall.SIGCONT)
	r.signal(sig)
	select {
	case <-r.exited:
	case <-time.After(startTimeout):
		r.signal(syscall.SIGKILL)
		<-r.exited
	}
}

func (r *replica) heal(ctx context.Context) error {
	r.signal(syscall.SIGCONT)
	for _, l := range []*link{r.sql, r.redis, r.peer} {
		l.heal()
	}
	if r.alive() && r.shift != "" {
		r.kill()
	}
	if !r.alive() {
		if err := r.start(ctx, ""); err != nil {
			return err
		}
	}
	return r.ready(ctx)
}

// ready waits until it serves.
func (r *replica) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	health := healthpb.NewHealthClient(r.as(authn.Operator, "ops"))
	for {
		out, err := health.Check(ctx, &healthpb.HealthCheckRequest{})
		if err == nil && out.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return nil
		}
		if !r.alive() {
			return fmt.Errorf("%s ended; the last of the log: %s", r.name, r.stage.lastLog())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not serve: %w: %w", r.name, ctx.Err(), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// as is a connection of a party to this replica.
func (r *replica) as(kind authn.Kind, id string) *grpc.ClientConn {
	who := authn.Identity{Kind: kind, ID: id}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.conns[who]; c != nil {
		return c
	}
	conn := r.stage.dial(r.address, who)
	r.conns[who] = conn
	return conn
}

// dial connects a party, and goes on trying.
func (s *stage) dial(address string, who authn.Identity) *grpc.ClientConn {
	cert := s.certs[who]
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(authn.ClientCredentials(cert, s.ca.Roots(), authn.Identity{Kind: authn.Gateway, ID: "gateway"})),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1.2, MaxDelay: 100 * time.Millisecond}, MinConnectTimeout: time.Second,
		}))
	if err != nil {
		panic(err) // the address is ours
	}
	return conn
}

// open is how many files and sockets the process has open.
func (r *replica) open() (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.process.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("count open files: %w", err)
	}
	return len(files), nil
}

func (r *replica) close() {
	for _, c := range r.conns {
		_ = c.Close()
	}
	for _, l := range []*link{r.sql, r.redis, r.peer} {
		l.close()
	}
}
