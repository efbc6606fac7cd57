package stage

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"

	"sluice/authn"
	operatorv1 "sluice/gen/sluice/operator/v1"
)

// StartMessenger registers a partner under a name, and starts the reference
// messenger as it: a process of its own. It says where the chat is. Banks are ids
// with the names that customers are offered.
func (s *Stage) StartMessenger(ctx context.Context, id, name string, banks map[string]string) (url string, err error) {
	if _, err := s.Certificate(authn.Partner, id); err != nil {
		return "", err
	}
	at, err := freeAddress(ctx)
	if err != nil {
		return "", err
	}
	ops, err := s.As(authn.Operator, "ops")
	if err != nil {
		return "", err
	}
	if _, err := operatorv1.NewRegistryServiceClient(ops).RegisterPartner(ctx, &operatorv1.RegisterPartnerRequest{
		PartnerId: id, DisplayName: name,
		Client: &operatorv1.Client{
			Authentication: operatorv1.ClientAuthentication_CLIENT_AUTHENTICATION_TLS, RedirectUris: []string{"http://" + at + "/done"},
		},
	}); err != nil {
		return "", fmt.Errorf("register messenger: %w", err)
	}
	args := []string{"messenger", "--data", s.Dir, "--gateway", s.Address, "--as", id, "--listen", at, "--gateway-url", s.URL, "--mtls-url", s.MTLS}
	for _, bank := range slices.Sorted(maps.Keys(banks)) {
		args = append(args, "--bank", bank+"="+banks[bank])
	}
	cmd := exec.Command(s.Program, args...) //nolint:noctx // ended by its id
	said, err := s.begin(cmd, 2)
	if err != nil {
		return "", fmt.Errorf("start messenger: %w", err)
	}
	s.mu.Lock()
	s.sites = append(s.sites, cmd)
	s.mu.Unlock()
	return said[0], nil
}
