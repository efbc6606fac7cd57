package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sluice/authn/accesstoken"
	"sluice/authn/banklogin"
	"sluice/authn/keyset"
	"sluice/authn/replaydb"
	"sluice/authn/signing"
	"sluice/authn/signingdb"
	"sluice/consent/receipt"
	"sluice/gateway"
	"sluice/oauth"
	"sluice/oauth/oauthdb"
	"sluice/seal"
	"sluice/web"
	"sluice/web/webdb"
)

const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 30 * time.Second // a page may wait for a bank and then for a barrier
	idleTimeout    = 2 * time.Minute
	loginTimeout   = 10 * time.Second
)

// front is what is reached over HTTPS: the customer's pages, and the
// authorization server once without and once with the client's certificate.
type front struct {
	url, mtlsURL string
	pages, mtls  net.Listener
	servers      []*http.Server

	ring    *signing.Ring
	replays *replaydb.Store
	visits  *webdb.Store
	oauth   *oauth.Server
	tokens  *accesstoken.Verifier
}

// openFront takes the addresses, so that what is told of them is true. Without an
// address to listen on there is no front.
func (h *house) openFront(ctx context.Context) error {
	c := h.config.Web
	h.front = &front{}
	if c.Listen == "" {
		return nil
	}
	var listen net.ListenConfig
	var err error
	if h.front.pages, err = listen.Listen(ctx, "tcp", c.Listen); err != nil {
		return fmt.Errorf("listen for pages: %w", err)
	}
	if h.front.mtls, err = listen.Listen(ctx, "tcp", c.MTLSListen); err != nil {
		return errors.Join(fmt.Errorf("listen for clients with certificates: %w", err), h.front.pages.Close())
	}
	h.front.url = cmp.Or(c.URL, localURL(h.front.pages))
	h.front.mtlsURL = cmp.Or(c.MTLSURL, localURL(h.front.mtls))
	return nil
}

func localURL(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String()) // a listener's address is one
	return "https://localhost:" + port
}

// authority is the host and port that partners call over gRPC.
func (h *house) authority() string {
	if h.config.Web.Authority != "" {
		return h.config.Web.Authority
	}
	if bound := h.bound.Load(); bound != nil {
		return *bound
	}
	return h.config.Listen
}

// wireFront makes what the front serves. Tokens are taken where their issuer is
// known, be it that another replica serves it.
func (h *house) wireFront(keys secrets, cert tls.Certificate, roots *x509.CertPool, names gateway.Pairwise) error {
	sealer, err := seal.NewSealer(keys.derive("sealed rows"))
	if err != nil {
		return fmt.Errorf("sealed rows: %w", err)
	}
	f := h.front
	f.replays = replaydb.New(h.truth.db)
	f.ring = signing.New(signingdb.New(h.truth.db), sealer, now)
	issuer := cmp.Or(f.url, h.config.Web.URL)
	if issuer == "" {
		return nil
	}
	f.tokens = accesstoken.New(accesstoken.Config{
		Issuer: issuer, Audience: issuer, Authority: h.authority, Keys: f.ring, Replay: f.replays, Now: now,
	})
	if f.pages == nil {
		return nil
	}
	f.visits = webdb.New(h.truth.db, sealer)
	fetch := keyset.Config{Roots: roots, Private: h.config.Web.PrivateAddresses, Now: now}
	if !h.config.Web.PrivateAddresses {
		fetch.Roots = nil
	}
	banks := banklogin.New(banklogin.Config{
		Banks: h.registry, Redirect: f.url + "/login/callback", Key: f.ring, Client: keyset.NewClient(fetch), Now: now,
	})
	site, err := web.New(web.Config{
		Book: h.book, Disclosures: h.log, Accounts: accounts{h.banks}, Login: banks, Asks: asks{h},
		Receipts: receipt.New(f.url, f.ring), Parties: h.registry, Sessions: f.visits,
		Operator: h.config.Web.Operator, Now: now, Log: h.logger,
	})
	if err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	f.oauth, err = oauth.New(oauth.Config{
		Issuer: f.url, MTLS: f.mtlsURL, Audience: issuer, AskPage: "/ask/",
		Book: h.book, Parties: h.registry, Names: names, Visitors: site, Ring: f.ring, Keys: keyset.NewFetcher(fetch),
		Replays: f.replays, Store: oauthdb.New(h.truth.db), Sealer: sealer, HashKey: keys.derive("code hashes"),
		Fault: site.Fault, Log: h.logger, Now: now,
	})
	if err != nil {
		return err //nolint:wrapcheck // it says what it is
	}
	shown, err := h.openCertificate(cert)
	if err != nil {
		return err
	}
	f.serve(h.logger, shown.get, roots, site)
	return nil
}

// serve makes the two servers. Only clients of the authorization server are asked
// for certificates: a browser would ask the customer which to show.
func (f *front) serve(logger *slog.Logger, cert func(*tls.ClientHelloInfo) (*tls.Certificate, error), roots *x509.CertPool, site http.Handler) {
	pages, clients := http.NewServeMux(), http.NewServeMux()
	f.oauth.Register(pages)
	f.oauth.RegisterClients(clients)
	pages.HandleFunc("GET /receipts/jwks", f.receiptKeys)
	pages.Handle("/", site)
	server := func(handler http.Handler, auth tls.ClientAuthType) *http.Server {
		return &http.Server{
			Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
			IdleTimeout: idleTimeout, MaxHeaderBytes: 32 << 10,
			ErrorLog:  slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
			TLSConfig: frontTLS(cert, auth, roots),
		}
	}
	f.servers = []*http.Server{server(pages, tls.NoClientCert), server(clients, tls.VerifyClientCertIfGiven)}
}

// receiptKeys is every key that a receipt may have been signed with.
func (f *front) receiptKeys(w http.ResponseWriter, r *http.Request) {
	var set jose.JSONWebKeySet
	set, err := f.ring.Ever(r.Context())
	raw, failed := json.Marshal(set)
	if err != nil || failed != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(raw) // who asked has gone if it fails
}

// open begins to serve.
func (f *front) open(logger *slog.Logger) {
	for i, l := range []net.Listener{f.pages, f.mtls} {
		if l == nil {
			continue
		}
		go func() {
			if err := f.servers[i].ServeTLS(l, "", ""); err != nil && !errors.Is(err, http.ErrServerClosed) {
				logger.Error("serve pages", "error", err)
			}
		}()
	}
}

// tend makes and retires signing keys, and forgets what has expired.
func (f *front) tend(ctx context.Context) error {
	at := now()
	_, swept := f.replays.Sweep(ctx, at)
	errs := []error{f.ring.Tend(ctx), swept}
	if f.oauth != nil {
		_, swept := f.visits.Sweep(ctx, at)
		errs = append(errs, f.oauth.Tend(ctx), swept)
	}
	return errors.Join(errs...)
}

// leave lets requests under way end.
func (f *front) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), maxCallDuration)
	defer cancel()
	var errs []error
	for _, s := range f.servers {
		errs = append(errs, s.Shutdown(ctx))
	}
	return errors.Join(errs...)
}
