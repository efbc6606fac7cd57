package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/e2e/stage"
)

// What a client of public libraries must have shown, whatever else it shows.
var mustShow = []string{
	"key: less is given, and the token and the pull show it",
	"certificate: less is given, and the token and the pull show it",
	"a code is good once",
	"a code shown eight times at once gets one token",
	"a proof of a call is good once",
	"a proof of a request for tokens is good once",
	"a proof is for one call, by one key, of now",
	"a token bound to a key is no bearer token",
	"a token is bound to one certificate, not to its partner's others",
	"a request without PKCE is refused",
	"a request with plain PKCE is refused",
	"a redirect_uri that is not registered is refused",
	"a request that was not pushed is refused",
	"a request_uri is of the client that pushed it",
	"a request_uri is over when it was answered",
	"a decision that is sent twice is made once",
	"another browser sees no request, and decides nothing",
	"what a customer takes back on the page is over",
	"a suspended partner gets nothing, until it is reinstated",
}

// fapiTimeout bounds the whole of the client's run.
const fapiTimeout = 2 * time.Minute

// outcome is what the client says of one scenario.
type outcome struct {
	Name  string `json:"name"`
	Error string `json:"error"`
	Took  int    `json:"took"` // ms
}

// A partner's client made of openid-client, dpop and grpc-js, none of it ours,
// gets what a customer gave, and is refused all that it should be.
func TestClientsOfPublicLibraries(t *testing.T) {
	node := nodeWithPackages(t)
	ctx, cancel := context.WithTimeout(t.Context(), fapiTimeout)
	defer cancel()
	s, err := stage.Open(ctx, program)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			t.Logf("the last of the log:\n%s", s.LastLog())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.StartBank(ctx, bankID, "Banka Morava"); err != nil {
		t.Fatal(err)
	}
	registerClients(ctx, t, s, node)
	all := walkScenarios(ctx, t, node, settings(t, s), s)
	for _, o := range all {
		t.Run(o.Name, func(t *testing.T) {
			if o.Error != "" {
				t.Error(o.Error)
			}
		})
	}
	for _, name := range mustShow {
		if !slices.ContainsFunc(all, func(o outcome) bool { return o.Name == name }) {
			t.Errorf("the client did not show: %s", name)
		}
	}
}

// The code that partners read is the code that is tested.
func TestPartnersPageShowsTheTestedClient(t *testing.T) {
	var tested string
	for _, file := range []string{"client/partner.mjs", "client/gateway.mjs"} {
		tested += readText(t, file)
	}
	parts := regexp.MustCompile("(?s)```js\n(.*?)```").FindAllStringSubmatch(readText(t, "../docs/partners.md"), -1)
	if len(parts) < 5 {
		t.Fatalf("only %d pieces of code are shown", len(parts))
	}
	for _, part := range parts {
		for line := range strings.Lines(part[1]) {
			if !strings.Contains(tested, line) {
				t.Errorf("the client has no line %q", line)
			}
		}
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// nodeWithPackages finds what deploy/node.sh puts in place.
func nodeWithPackages(t *testing.T) string {
	t.Helper()
	node, err := filepath.Abs("../.bin/node/bin/node")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = os.Stat(node); err != nil {
		node, err = exec.LookPath("node")
	}
	_, packages := os.Stat("client/node_modules/openid-client")
	if err = errors.Join(err, packages); err != nil {
		if os.Getenv("SLUICE_TEST_ALL") != "" {
			t.Fatalf("deploy/node.sh gets what is missing: %v", err)
		}
		t.Skipf("deploy/node.sh gets what is missing: %v", err)
	}
	return node
}

const partnersSite = "https://partner.example/done"

// registerClients does what an operator does for new partners, by the commands
// that he would use.
func registerClients(ctx context.Context, t *testing.T, s *stage.Stage, node string) {
	t.Helper()
	run := func(name string, args ...string) {
		if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	for id, name := range map[string]string{"pocket": "Pocket", "purse": "Purse"} {
		keys := filepath.Join(s.Dir, id)
		run(node, "client/keys.mjs", keys)
		run(program, "partner", "add", id, "--name", name, "--redirect", partnersSite, "--jwks", keys+".jwks.json", "--data", s.Dir)
	}
	for id, name := range map[string]string{"vault": "Vault", "safe": "Safe"} {
		run(program, "certificate", "partner", id, "--data", s.Dir)
		run(program, "partner", "add", id, "--name", name, "--redirect", partnersSite, "--tls", "--data", s.Dir)
	}
}

// settings writes down where everything is.
func settings(t *testing.T, s *stage.Stage) string {
	t.Helper()
	var dirs []string
	for _, dir := range []string{"../proto", "../third_party"} {
		dir, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	raw, err := json.Marshal(map[string]any{
		"program": program, "data": s.Dir, "issuer": s.URL, "address": s.Address, "protoDirs": dirs,
		"bank": bankID, "customer": "9593", "redirectUri": partnersSite,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Dir, "client.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// walkScenarios runs the client, which ends when it has said all.
func walkScenarios(ctx context.Context, t *testing.T, node, settings string, s *stage.Stage) []outcome {
	t.Helper()
	var said, complaints bytes.Buffer
	client := exec.CommandContext(ctx, node, "client/run.mjs", settings)
	client.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+filepath.Join(s.Dir, "pki", "ca.crt"), "NODE_NO_WARNINGS=1")
	client.Stdout, client.Stderr = &said, &complaints
	if err := client.Run(); err != nil {
		t.Errorf("the client: %v\n%s", err, complaints.Bytes())
	}
	var all []outcome
	for lines := bufio.NewScanner(&said); lines.Scan(); {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil || o.Name == "" {
			t.Fatalf("the client says %q: %v", lines.Text(), err)
		}
		all = append(all, o)
	}
	return all
}
