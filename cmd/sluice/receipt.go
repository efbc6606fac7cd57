package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sluice/consent/receipt"
)

const (
	maxReceiptFile = 4<<20 + 64 // bytes; white space around it included
	maxKeyFile     = 1 << 20
	keysTimeout    = 10 * time.Second
)

type receiptCmd struct {
	Verify receiptVerifyCmd `cmd:"" help:"Verify a customer's receipt of a consent, and read what it says."`
}

type receiptVerifyCmd struct {
	File string `arg:"" help:"The receipt; - reads standard input."`
	JWKS string `name:"jwks" required:"" help:"The public keys of whoever made it, as a JWK set." placeholder:"FILE|URL"`
	CA   string `name:"ca" help:"Trust this authority for the URL, instead of the machine's." placeholder:"FILE"`
	JSON bool   `name:"json" help:"Write JSON."`
}

func (c *receiptVerifyCmd) Help() string {
	return `A receipt says what was so when it was made, not whether it still is. It is as
good as its keys: take those from whom you trust. No gateway need run for a set
in a file.

Examples:
  sluice receipt verify receipt.jwt --jwks keys.json
  sluice receipt verify receipt.jwt --jwks https://sluice.example/receipts/jwks
  sluice receipt verify receipt.jwt --jwks https://localhost:8444/receipts/jwks --ca ./sluice-data/pki/ca.crt`
}

// Run says what the receipt says, or why it is not valid.
func (c *receiptVerifyCmd) Run(ctx context.Context) error {
	jws, err := readBounded(c.File, maxReceiptFile)
	if err != nil {
		return fmt.Errorf("read receipt: %w", err)
	}
	keys, err := c.keys(ctx)
	if err != nil {
		return err
	}
	said, err := receipt.Verify(strings.TrimSpace(string(jws)), keys)
	if errors.Is(err, receipt.ErrUnknownKey) {
		return fmt.Errorf("%w; take all its maker ever signed with, from its /receipts/jwks", err)
	}
	if err != nil {
		return err //nolint:wrapcheck // says what it is
	}
	if c.JSON {
		raw, err := json.MarshalIndent(said, "", "  ")
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		fmt.Printf("%s\n", raw)
		return nil
	}
	return printStatement(os.Stdout, said)
}

func printStatement(w io.Writer, s receipt.Statement) error {
	var rows [][]string
	for _, l := range s.Lines() {
		rows = append(rows, []string{l.About, l.Text})
	}
	return table(w, "valid|it is as the holder of the keys signed it", rows)
}

func (c *receiptVerifyCmd) keys(ctx context.Context) (jose.JSONWebKeySet, error) {
	var (
		set jose.JSONWebKeySet
		raw []byte
		err error
	)
	if strings.Contains(c.JWKS, "://") {
		raw, err = c.fetchKeys(ctx)
	} else {
		raw, err = readBounded(c.JWKS, maxKeyFile)
	}
	if err != nil {
		return set, fmt.Errorf("read keys: %w", err)
	}
	if err := json.Unmarshal(raw, &set); err != nil || len(set.Keys) == 0 {
		return set, fmt.Errorf("read keys: %s has no JWK set", c.JWKS)
	}
	return set, nil
}

// fetchKeys follows no redirects: who is asked is who is trusted.
func (c *receiptVerifyCmd) fetchKeys(ctx context.Context) ([]byte, error) {
	if !strings.HasPrefix(c.JWKS, "https://") {
		return nil, errors.New("the address must begin with https://")
	}
	trusted := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := readBounded(c.CA, maxKeyFile)
		if err != nil {
			return nil, err
		}
		trusted.RootCAs = x509.NewCertPool()
		if !trusted.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate", c.CA)
		}
	}
	client := &http.Client{
		Timeout: keysTimeout, Transport: &http.Transport{TLSClientConfig: trusted, Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.JWKS, nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it was doing
	}
	resp, err := client.Do(req)
	if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
		return nil, fmt.Errorf("%w; if you trust that authority, name its certificate with --ca", err)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it was doing
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", c.JWKS, resp.StatusCode)
	}
	return bounded(resp.Body, maxKeyFile)
}

// readBounded reads a file, or standard input for "-".
func readBounded(name string, limit int64) ([]byte, error) {
	if name == "-" {
		return bounded(os.Stdin, limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the file
	}
	defer f.Close() //nolint:errcheck // it was only read
	return bounded(f, limit)
}

func bounded(r io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("it is longer than %d bytes", limit)
	}
	return raw, err //nolint:wrapcheck // the caller says what it was doing
}
