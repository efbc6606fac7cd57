package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/authn"
	"sluice/authn/devca"
)

// pair issues a certificate of the gateway's and is where its files are.
func pair(t *testing.T) (tls.Certificate, *devca.Authority, [2]string) {
	t.Helper()
	dir := t.TempDir()
	ca, err := devca.Open(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue(self(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(dir, "gateway-gateway")
	return cert, ca, [2]string{base + ".crt", base + ".key"}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestACertificateThatIsReplacedIsSeenAndABrokenOneIsNot(t *testing.T) {
	first, _, files := pair(t)
	second, _, others := pair(t)
	clock := time.Now()
	h := &house{logger: slog.New(slog.DiscardHandler)}
	h.config.Web.Cert, h.config.Web.Key = files[0], files[1]
	c, err := h.openCertificate(tls.Certificate{})
	if err != nil {
		t.Fatal(err)
	}
	c.now = func() time.Time { return clock }
	serves := func(want tls.Certificate) {
		t.Helper()
		if got, err := c.get(nil); err != nil || !bytes.Equal(got.Certificate[0], want.Certificate[0]) {
			t.Fatalf("another certificate serves, or none: %v", err)
		}
	}
	serves(first)
	copyFile(t, others[0], files[0])
	serves(first) // not read for each handshake
	clock = clock.Add(2 * certificateFresh)
	serves(first) // the key is still the other's
	copyFile(t, others[1], files[1])
	clock = clock.Add(2 * certificateFresh)
	serves(second)

	h.config.Web.Cert = filepath.Join(t.TempDir(), "none")
	if _, err := h.openCertificate(tls.Certificate{}); err == nil {
		t.Error("a certificate that is not there is no fault at the start")
	}
}

func TestOldCiphersAndStrangersCertificatesAreRefused(t *testing.T) {
	cert, ca, _ := pair(t)
	_, stranger, _ := pair(t)
	strange, err := stranger.Issue(authn.Identity{Kind: authn.Partner, ID: "messenger"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	serving := frontTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }, tls.VerifyClientCertIfGiven, ca.Roots())
	for name, tt := range map[string]struct {
		client *tls.Config
		want   bool
	}{
		"TLS 1.3":                  {&tls.Config{MinVersion: tls.VersionTLS13}, true},
		"TLS 1.2 with GCM":         {&tls.Config{MaxVersion: tls.VersionTLS12}, true},
		"TLS 1.2 with CBC":         {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}}, false},
		"TLS 1.1":                  {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		"a stranger's certificate": {&tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &strange, nil }}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tt.client.RootCAs, tt.client.ServerName = ca.Roots(), "localhost"
			ours, theirs := net.Pipe()
			defer ours.Close()
			defer theirs.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			go func() { _ = tls.Client(theirs, tt.client).HandshakeContext(ctx); _ = theirs.Close() }()
			if err := tls.Server(ours, serving).HandshakeContext(ctx); (err == nil) != tt.want {
				t.Errorf("handshake: %v, want it done: %t", err, tt.want)
			}
		})
	}
}
