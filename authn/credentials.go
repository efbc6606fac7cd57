package authn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
)

// lookupTimeout bounds the registry look-up inside a handshake.
const lookupTimeout = 2 * time.Second

var errNotTLS = errors.New("the connection is not of TLS")

// Registered says whether a party may connect at all.
type Registered interface {
	Registered(ctx context.Context, id Identity) (bool, error)
}

// ServerCredentials asks every client for a certificate signed by one of the
// roots and held by a registered party, over TLS 1.3 only. Anything else is
// refused in the handshake. cert is the server's own.
func ServerCredentials(cert tls.Certificate, roots *x509.CertPool, parties Registered) credentials.TransportCredentials {
	return serverCredentials(cert, roots, parties, tls.RequireAndVerifyClientCert)
}

// TokenServerCredentials is ServerCredentials for a server that takes tokens
// too: it lets in a client that shows no certificate at all, as nobody. Such a
// server must refuse every call of nobody, as gateway/interceptor does, and
// bound the streams, headers and idle time of its connections. A certificate
// that is shown must be good, as with ServerCredentials.
func TokenServerCredentials(cert tls.Certificate, roots *x509.CertPool, parties Registered) credentials.TransportCredentials {
	return serverCredentials(cert, roots, parties, tls.VerifyClientCertIfGiven)
}

func serverCredentials(cert tls.Certificate, roots *x509.CertPool, parties Registered, clients tls.ClientAuthType) credentials.TransportCredentials {
	cfg := &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{cert},
		ClientAuth:   clients,
		ClientCAs:    roots,
		// A resumed session would skip nothing here (VerifyConnection runs for it
		// too), but would outlive its certificate.
		SessionTicketsDisabled: true,
		VerifyConnection:       func(cs tls.ConnectionState) error { return verifyParty(cs, parties) },
	}
	return serverCreds{credentials.NewTLS(cfg)}
}

// verifyParty looks up who shows a certificate; crypto/tls has refused those who
// had to and did not.
func verifyParty(cs tls.ConnectionState, parties Registered) error {
	if len(cs.PeerCertificates) == 0 {
		return nil
	}
	id, err := IdentityOf(cs.PeerCertificates[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	ok, err := parties.Registered(ctx, id)
	if err != nil {
		return fmt.Errorf("look up caller: %w", err)
	}
	if !ok {
		return fmt.Errorf("%w: not registered", errIdentity)
	}
	return nil
}

// ClientCredentials connects with cert to a server that is signed by one of the
// roots, answers to the name dialled, and is the party want.
func ClientCredentials(cert tls.Certificate, roots *x509.CertPool, want Identity) credentials.TransportCredentials {
	cfg := clientConfig(roots, want)
	cfg.Certificates = []tls.Certificate{cert}
	return credentials.NewTLS(cfg)
}

// TokenClientCredentials is ClientCredentials for a party without certificate,
// who proves himself in each call.
func TokenClientCredentials(roots *x509.CertPool, want Identity) credentials.TransportCredentials {
	return credentials.NewTLS(clientConfig(roots, want))
}

func clientConfig(roots *x509.CertPool, want Identity) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		RootCAs:    roots,
		VerifyConnection: func(cs tls.ConnectionState) error {
			id, err := IdentityOf(cs.PeerCertificates[0])
			if err != nil {
				return err
			}
			if id != want {
				return fmt.Errorf("%w: it is not %s", errIdentity, want.URI())
			}
			return nil
		},
	}
}

// serverCreds is TLS whose connections know their Caller, so that it is read
// from the certificate once a connection and not once a call.
type serverCreds struct {
	credentials.TransportCredentials
}

func (s serverCreds) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := s.TransportCredentials.ServerHandshake(conn)
	if err != nil {
		return nil, nil, fmt.Errorf("handshake: %w", err)
	}
	tlsInfo, ok := info.(credentials.TLSInfo)
	if !ok {
		return nil, nil, errors.Join(errNotTLS, conn.Close())
	}
	if len(tlsInfo.State.PeerCertificates) == 0 {
		return conn, connInfo{TLSInfo: tlsInfo}, nil
	}
	cert := tlsInfo.State.PeerCertificates[0]
	id, err := IdentityOf(cert)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, connInfo{TLSInfo: tlsInfo, caller: Caller{identity: id}, thumbprint: ThumbprintOf(cert)}, nil
}

func (s serverCreds) Clone() credentials.TransportCredentials {
	return serverCreds{s.TransportCredentials.Clone()}
}
