package stage

import (
	"bufio"
	"context"
	"fmt"
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
	cmd := exec.Command(s.Program, "samplebank", id, "--data", s.Dir, "--gateway-url", s.URL, "--login-listen", "127.0.0.1:0") //nolint:noctx // ended by its id
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start bank: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start bank: %w", err)
	}
	s.mu.Lock()
	s.banks[id] = cmd
	s.mu.Unlock()
	var said [2]string
	lines := bufio.NewReader(out)
	for i := range said {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("read address of bank: %w", err)
		}
		said[i] = strings.TrimSpace(line)
	}
	ops, err := s.As(authn.Operator, "ops")
	if err != nil {
		return err
	}
	if _, err := operatorv1.NewRegistryServiceClient(ops).RegisterBank(ctx, &operatorv1.RegisterBankRequest{
		BankId: id, DisplayName: name, Address: said[0], Login: &operatorv1.BankLogin{Issuer: said[1], ClientId: "sluice"},
	}); err != nil {
		return fmt.Errorf("register bank: %w", err)
	}
	return nil
}

// StopBank ends a bank at once, as an outage would.
func (s *Stage) StopBank(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cmd := s.banks[id]; cmd != nil {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
		delete(s.banks, id)
	}
}
