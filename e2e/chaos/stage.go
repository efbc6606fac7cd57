package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named "pgx"

	"sluice/authn"
	"sluice/authn/devca"
	operatorv1 "sluice/gen/sluice/operator/v1"
	"sluice/reference/samplebank"
)

const (
	replicaCount = 3
	startTimeout = 20 * time.Second
)

// stage is everything that runs.
type stage struct {
	dir, program, services string
	ca                     *devca.Authority
	certs                  map[authn.Identity]tls.Certificate // of the driver's parties
	children               []*exec.Cmd                        // the banks
	bankLinks              []*link
	replicas               []*replica
	sql                    *sql.DB // as the owner, past all links
	redis                  string  // its address, past all links
	log                    *os.File
}

func openStage(ctx context.Context, program, services string) (_ *stage, err error) {
	dir, err := os.MkdirTemp("", "sluice-chaos-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	s := &stage{dir: dir, program: program, services: services}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	if s.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	postgres, err := s.startServices(ctx)
	if err != nil {
		return nil, err
	}
	if s.ca, err = devca.Open(filepath.Join(dir, "pki"), time.Now()); err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	if err := s.issue(); err != nil {
		return nil, err
	}
	if err := s.startReplicas(ctx, postgres); err != nil {
		return nil, err
	}
	return s, s.startBanks(ctx)
}

// startServices starts PostgreSQL and Redis, and migrates; it answers the URL
// with a gateway's rights.
func (s *stage) startServices(ctx context.Context) (string, error) {
	out, err := s.service(ctx, "up", "postgres", "redis")
	if err != nil {
		return "", err
	}
	env := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "="); ok {
			env[name] = strings.Trim(value, "'")
		}
	}
	owner := env["SLUICE_TEST_POSTGRES"]
	s.redis = env["SLUICE_TEST_REDIS"]
	if owner == "" || s.redis == "" {
		return "", fmt.Errorf("services did not say where they are: %q", out)
	}
	migrate := exec.CommandContext(ctx, s.program, "migrate", "--url", owner)
	if out, err := migrate.CombinedOutput(); err != nil {
		return "", fmt.Errorf("migrate: %w: %s", err, out)
	}
	if s.sql, err = sql.Open("pgx", owner); err != nil {
		return "", fmt.Errorf("open database: %w", err)
	}
	if _, err := s.sql.ExecContext(ctx, `CREATE ROLE chaos LOGIN PASSWORD 'chaos' IN ROLE sluice_gateway`); err != nil {
		return "", fmt.Errorf("make role: %w", err)
	}
	return strings.Replace(owner, "sluice:sluice", "chaos:chaos", 1), nil
}

// issue makes the certificates of everybody that the driver is.
func (s *stage) issue() error {
	who := []authn.Identity{{Kind: authn.Operator, ID: "ops"}, {Kind: authn.Partner, ID: "messenger"}, {Kind: authn.Partner, ID: follower}, {Kind: authn.Partner, ID: dreamer}}
	for _, id := range samplebank.Banks() {
		who = append(who, authn.Identity{Kind: authn.Bank, ID: id})
	}
	s.certs = map[authn.Identity]tls.Certificate{}
	for _, id := range who {
		cert, err := s.ca.Issue(id, time.Now())
		if err != nil {
			return fmt.Errorf("issue certificate: %w", err)
		}
		s.certs[id] = cert
	}
	return nil
}

// service runs the script on the stage's own folder.
func (s *stage) service(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.services, args...)
	cmd.Env = append(os.Environ(), "SERVICES_DIR="+filepath.Join(s.dir, "services"))
	cmd.Stderr = s.log
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("services %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

func (s *stage) startReplicas(ctx context.Context, postgres string) error {
	for i := range replicaCount {
		r, err := newReplica(ctx, s, i, postgres)
		if err != nil {
			return err
		}
		s.replicas = append(s.replicas, r)
		if i == 0 {
			// The first makes the secrets; the others get them with the folder.
			if err := r.start(ctx, ""); err != nil {
				return err
			}
			if err := r.ready(ctx); err != nil {
				return err
			}
		}
	}
	for _, r := range s.replicas[1:] {
		if err := copyFolder(s.replicas[0].dir, r.dir); err != nil {
			return err
		}
		if err := r.start(ctx, ""); err != nil {
			return err
		}
	}
	for _, r := range s.replicas {
		if err := r.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

func copyFolder(from, to string) error {
	for _, part := range []string{"pki", "secrets.json"} {
		err := filepath.WalkDir(filepath.Join(from, part), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(from, path)
			if err != nil {
				return err //nolint:wrapcheck // wrapped below
			}
			if d.IsDir() {
				return os.MkdirAll(filepath.Join(to, rel), 0o700) //nolint:wrapcheck // wrapped below
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err //nolint:wrapcheck // wrapped below
			}
			return os.WriteFile(filepath.Join(to, rel), raw, 0o600) //nolint:wrapcheck // wrapped below
		})
		if err != nil {
			return fmt.Errorf("copy folder: %w", err)
		}
	}
	return nil
}

func (s *stage) startBanks(ctx context.Context) error {
	ops := operatorv1.NewRegistryServiceClient(s.replicas[0].as(authn.Operator, "ops"))
	for _, id := range []string{"messenger", follower, dreamer} {
		if _, err := ops.RegisterPartner(ctx, &operatorv1.RegisterPartnerRequest{PartnerId: id, DisplayName: id, Access: operatorv1.PartnerAccess_PARTNER_ACCESS_CERTIFICATE}); err != nil {
			return fmt.Errorf("register partner: %w", err)
		}
	}
	for _, id := range samplebank.Banks() {
		address, err := s.startBank(ctx, id)
		if err != nil {
			return err
		}
		l, err := newLink(ctx, address)
		if err != nil {
			return err
		}
		s.bankLinks = append(s.bankLinks, l)
		if _, err := ops.RegisterBank(ctx, &operatorv1.RegisterBankRequest{BankId: id, DisplayName: id, Address: l.address()}); err != nil {
			return fmt.Errorf("register bank: %w", err)
		}
	}
	return nil
}

func (s *stage) startBank(ctx context.Context, id string) (string, error) {
	cmd := exec.CommandContext(ctx, s.program, "samplebank", id, "--data", s.dir)
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", fmt.Errorf("start bank: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start bank: %w", err)
	}
	s.children = append(s.children, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("read address of bank: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// lastLog is the end of what the processes logged.
func (s *stage) lastLog() string {
	raw, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-1000):])
}

// heal makes everything good again and waits until it is.
func (s *stage) heal(ctx context.Context) error {
	for _, l := range s.bankLinks {
		l.heal()
	}
	for _, what := range []string{"postgres", "redis"} {
		if _, err := s.service(ctx, "start", what); err != nil {
			return err
		}
	}
	for _, r := range s.replicas {
		if err := r.heal(ctx); err != nil {
			return err
		}
	}
	return nil
}

// maxOpen is how many files and sockets a replica at rest may have open: its
// database's and its peers' connections, and not those of calls long over.
const maxOpen = 150

// atRest requires that replicas have let go of what they held.
func (s *stage) atRest(v *verdict) error {
	for _, r := range s.replicas {
		n, err := r.open()
		if err != nil {
			return err
		}
		if n > maxOpen {
			v.found(&v.lost, "%s at rest has %d files and sockets open", r.name, n)
		}
	}
	return nil
}

// close ends what was started, and only that.
func (s *stage) close() error {
	for _, r := range s.replicas {
		r.kill()
		r.close()
	}
	for _, c := range s.children {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	}
	for _, l := range s.bankLinks {
		l.close()
	}
	var errs []error
	if s.sql != nil {
		errs = append(errs, s.sql.Close())
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	_, err := s.service(ctx, "down")
	return errors.Join(append(errs, err, s.log.Close(), os.RemoveAll(s.dir))...)
}
