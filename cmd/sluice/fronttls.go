package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// certificateFresh is how long a certificate serves before its files are looked
// at again.
const certificateFresh = time.Minute

// frontTLS is TLS as browsers and partners' clients get it: of TLS 1.2 only what
// BCP 195 recommends (FAPI 2.0, 5.2.1).
func frontTLS(cert func(*tls.ClientHelloInfo) (*tls.Certificate, error), auth tls.ClientAuthType, roots *x509.CertPool) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: cert, ClientAuth: auth, ClientCAs: roots,
		SessionTicketsDisabled: auth != tls.NoClientCert,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		},
	}
}

// certificate is what browsers see: the operator's own, or the development
// authority's. It may be used by many goroutines.
type certificate struct {
	files  [2]string // with the certificate and its key; none: kept stays as it is
	now    func() time.Time
	logger *slog.Logger

	mu   sync.Mutex
	kept *tls.Certificate
	read time.Time
}

// openCertificate reads the operator's own certificate, if there is one.
func (h *house) openCertificate(development tls.Certificate) (*certificate, error) {
	c := &certificate{files: [2]string{h.config.Web.Cert, h.config.Web.Key}, now: now, logger: h.logger, kept: &development}
	if c.files[0] == "" {
		return c, nil
	}
	return c, c.load()
}

func (c *certificate) load() error {
	own, err := tls.LoadX509KeyPair(c.files[0], c.files[1])
	c.read = c.now()
	if err != nil {
		return fmt.Errorf("load certificate: %w", err)
	}
	c.kept = &own
	return nil
}

// get is the certificate of a handshake. Files that were replaced are seen within
// a minute; until they fit together, the one before goes on serving.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files[0] != "" && c.now().Sub(c.read) >= certificateFresh {
		if err := c.load(); err != nil {
			c.logger.Error("the certificate of the pages can't be renewed", "error", err)
		}
	}
	return c.kept, nil
}
