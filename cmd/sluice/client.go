package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"sluice/authn"
)

// connection says where a client's gateway is, and where its certificates lie.
type connection struct {
	Data    string `help:"Data directory with the certificates, in pki/." default:"./sluice-data" env:"SLUICE_DATA" type:"path"`
	Gateway string `help:"The gateway's address; from the data directory if not given." env:"SLUICE_GATEWAY" placeholder:"HOST:PORT"`

	shows *shownToken // with each call; nil if nothing
}

// dial connects as one party. The call's context bounds the waiting.
func (c *connection) dial(kind authn.Kind, id string) (*grpc.ClientConn, error) {
	address, err := c.address()
	if err != nil {
		return nil, err
	}
	creds, err := c.credentials(kind, id)
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(creds)}
	if c.shows != nil {
		options = append(options, grpc.WithUnaryInterceptor(c.shows.to(address)))
	}
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return conn, nil
}

// credentials are those of a party's certificate. Who can prove himself by a key
// may do without one.
func (c *connection) credentials(kind authn.Kind, id string) (credentials.TransportCredentials, error) {
	base := filepath.Join(c.Data, "pki", authn.KindName(kind)+"-"+id)
	cert, err := tls.LoadX509KeyPair(base+".crt", base+".key")
	without := errors.Is(err, fs.ErrNotExist)
	if without && (c.shows == nil || c.shows.key == nil) {
		return nil, fmt.Errorf("there is no certificate %s.crt; make one with \"sluice certificate %s %s --data %s\"",
			base, authn.KindName(kind), id, c.Data)
	}
	if err != nil && !without {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	gateway := authn.Identity{Kind: authn.Gateway, ID: "gateway"}
	if without {
		return authn.TokenClientCredentials(roots, gateway), nil
	}
	return authn.ClientCredentials(cert, roots, gateway), nil
}

func (c *connection) address() (string, error) {
	if c.Gateway != "" {
		return c.Gateway, nil
	}
	raw, err := os.ReadFile(filepath.Join(c.Data, addressFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("no gateway runs on %s; start one with \"sluice serve --data %[1]s\", or say --data or --gateway", c.Data)
	}
	if err != nil {
		return "", fmt.Errorf("read the gateway's address: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

func (c *connection) roots() (*x509.CertPool, error) {
	raw, err := os.ReadFile(filepath.Join(c.Data, "pki", "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s/pki/ca.crt has no certificate", c.Data)
	}
	return pool, nil
}

// call makes one call on a connection of its own, as one party, and says so
// where it takes long.
func call[S, Q, R any](ctx context.Context, c *connection, kind authn.Kind, id string, service func(grpc.ClientConnInterface) S,
	method func(S, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	var none R
	conn, err := c.dial(kind, id)
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxCallDuration)
	defer cancel()
	defer progress(os.Stderr, "waiting for the gateway")()
	answer, err := method(service(conn), ctx, request)
	return answer, errors.Join(err, conn.Close())
}
