package stage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"

	"sluice/authn"
	operatorv1 "sluice/gen/sluice/operator/v1"
)

// What every customer of a sample bank logs in with.
const (
	Password = "demo"
	Code     = "000000"
)

// StartBank starts a sample bank with a login, and registers it under a name.
func (s *Stage) StartBank(ctx context.Context, id, name string) error {
	_, err := s.startBank(ctx, id, name, 2)
	return err
}

// StartBankWithDesk starts one at which agents sit, too: Jana and Petr. It says
// where the desk is.
func (s *Stage) StartBankWithDesk(ctx context.Context, id, name string) (desk string, err error) {
	said, err := s.startBank(ctx, id, name, 3, "--gateway", s.Address, "--desk-listen", "127.0.0.1:0", "--questions")
	if err != nil {
		return "", err
	}
	return said[2], nil
}

// startBank starts a bank, which says so many lines, and registers it.
func (s *Stage) startBank(ctx context.Context, id, name string, lines int, more ...string) ([]string, error) {
	args := append([]string{"samplebank", id, "--data", s.Dir, "--gateway-url", s.URL, "--login-listen", "127.0.0.1:0"}, more...)
	cmd := exec.Command(s.Program, args...) //nolint:noctx // ended by its id
	said, err := s.begin(cmd, lines)
	if err != nil {
		return nil, fmt.Errorf("start bank: %w", err)
	}
	s.mu.Lock()
	s.banks[id] = cmd
	s.mu.Unlock()
	ops, err := s.As(authn.Operator, "ops")
	if err != nil {
		return nil, err
	}
	if _, err := operatorv1.NewRegistryServiceClient(ops).RegisterBank(ctx, &operatorv1.RegisterBankRequest{
		BankId: id, DisplayName: name, Address: said[0], Login: &operatorv1.BankLogin{Issuer: said[1], ClientId: "sluice"},
	}); err != nil {
		return nil, fmt.Errorf("register bank: %w", err)
	}
	return said, nil
}

// begin starts a process, and reads the lines that it says when it serves.
func (s *Stage) begin(cmd *exec.Cmd, lines int) ([]string, error) {
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the caller
	}
	if err := cmd.Start(); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the caller
	}
	said := make([]string, lines)
	r := bufio.NewReader(out)
	for i := range said {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read what it says: %w", err), end(cmd))
		}
		said[i] = strings.TrimSpace(line)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }() // what it says further, until it ends
	return said, nil
}

// end ends a process at once, as an outage would.
func end(cmd *exec.Cmd) error {
	err := cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait() // says that it was killed
	return err     //nolint:wrapcheck // says what it is
}

// StopBank ends a bank at once, as an outage would.
func (s *Stage) StopBank(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cmd := s.banks[id]; cmd != nil {
		_ = end(cmd)
		delete(s.banks, id)
	}
}
