package devca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"sluice/authn"
)

const (
	authorityLife = 365 * 24 * time.Hour
	leafLife      = 7 * 24 * time.Hour
	// clockSkew lets peers with slower clocks accept a fresh certificate.
	clockSkew = 5 * time.Minute
)

// Authority signs development certificates in one directory.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Open reads the authority in dir, or makes it there. dir is created with mode 0700.
func Open(dir string, now time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make certificate folder: %w", err)
	}
	a := &Authority{dir: dir}
	pair, err := a.load("ca")
	if errors.Is(err, fs.ErrNotExist) {
		return a, a.create(now)
	}
	if err != nil {
		return nil, fmt.Errorf("read development authority: %w", err)
	}
	if now.After(pair.Leaf.NotAfter) {
		return nil, fmt.Errorf("development authority in %s ended at %s: remove the folder to have a new one made",
			dir, pair.Leaf.NotAfter.Format(time.DateOnly))
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("read development authority: its key is not ECDSA")
	}
	a.cert, a.key = pair.Leaf, key
	return a, nil
}

// Roots is the pool with only this authority.
func (a *Authority) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Issue writes a fresh leaf certificate for the identity as
// <kind>-<id>.crt and .key, and returns it. It is good for a week, for the
// loopback addresses and for hosts, as a client's and as a server's.
func (a *Authority) Issue(id authn.Identity, now time.Time, hosts ...string) (tls.Certificate, error) {
	if !id.Valid() {
		return tls.Certificate{}, fmt.Errorf("issue certificate: %q is no well-formed identity", id.URI())
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: id.ID},
		NotBefore:   now.Add(-clockSkew),
		NotAfter:    now.Add(leafLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		URIs:        []*url.URL{id.URI()},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	name := authn.KindName(id.Kind) + "-" + id.ID
	if _, err := a.sign(name, template); err != nil {
		return tls.Certificate{}, fmt.Errorf("issue certificate of %s: %w", name, err)
	}
	return a.load(name)
}

func (a *Authority) create(now time.Time) error {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Sluice development authority"},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
	}
	key, err := a.sign("ca", template)
	if err != nil {
		return fmt.Errorf("make development authority: %w", err)
	}
	pair, err := a.load("ca")
	if err != nil {
		return fmt.Errorf("make development authority: %w", err)
	}
	a.cert, a.key = pair.Leaf, key
	return nil
}

// sign writes a certificate and its new key; the very first signs itself.
func (a *Authority) sign(name string, template *x509.Certificate) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, fmt.Errorf("make serial number: %w", err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	// The key goes first: a certificate without its key would be taken for whole.
	if err := a.write(name+".key", "PRIVATE KEY", keyDER, 0o600); err != nil {
		return nil, err
	}
	return key, a.write(name+".crt", "CERTIFICATE", der, 0o644)
}

// write replaces a file whole, so that a reader never sees half of it.
func (a *Authority) write(name, kind string, der []byte, mode fs.FileMode) error {
	path := filepath.Join(a.dir, name)
	tmp := path + ".new"
	if err := os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (a *Authority) load(name string) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(a.dir, name+".crt"), filepath.Join(a.dir, name+".key"))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("load %s: %w", name, err)
	}
	return pair, nil
}
