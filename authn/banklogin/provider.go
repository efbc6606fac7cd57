package banklogin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/sync/singleflight"
)

const (
	fresh   = 10 * time.Minute // how long a bank's metadata is believed
	stale   = time.Hour        // and while new metadata can't be had
	retry   = 5 * time.Second  // how long a bank that failed is left alone
	waiting = 10 * time.Second // for one answer, if the client has no bound of its own
	maxBody = 256 << 10
)

// provider is a bank as its metadata describes it.
type provider struct {
	oidc       *oidc.Provider
	keys       oidc.KeySet
	saysIssuer bool // RFC 9207
}

// providers keeps banks' metadata by issuer. One that does not answer holds up
// nobody who asks for another.
type providers struct {
	client  *http.Client
	now     func() time.Time
	flights singleflight.Group

	mu   sync.Mutex
	kept map[string]discovered
}

type discovered struct {
	provider   *provider
	at, failed time.Time
	err        error
}

func newProviders(client *http.Client, now func() time.Time) *providers {
	return &providers{client: client, now: now, kept: map[string]discovered{}}
}

// find is the provider of an issuer, which the registry names. Its errors wrap
// ErrUnavailable.
func (p *providers) find(ctx context.Context, issuer string) (*provider, error) {
	now := p.now()
	p.mu.Lock()
	d := p.kept[issuer]
	p.mu.Unlock()
	switch {
	case d.provider != nil && now.Sub(d.at) < fresh:
		return d.provider, nil
	case d.err != nil && now.Sub(d.failed) < retry:
		return d.orElse(now)
	}
	// The work goes on if this caller leaves: others may wait for it.
	done := p.flights.DoChan(issuer, func() (any, error) {
		got, err := p.discover(context.WithoutCancel(ctx), issuer)
		return p.keep(issuer, got, err).orElse(p.now())
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	case r := <-done:
		got, _ := r.Val.(*provider)
		return got, r.Err
	}
}

func (p *providers) keep(issuer string, got *provider, err error) discovered {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.kept[issuer]
	if err != nil {
		d.failed, d.err = p.now(), err
	} else {
		d = discovered{provider: got, at: p.now()}
	}
	p.kept[issuer] = d
	return d
}

func (d discovered) orElse(now time.Time) (*provider, error) {
	if d.provider != nil && now.Sub(d.at) < stale {
		return d.provider, nil
	}
	return nil, d.err
}

// discover reads the metadata. They must be the issuer's own, and lead to https
// addresses only.
func (p *providers) discover(ctx context.Context, issuer string) (*provider, error) {
	if !plainHTTPS(issuer) {
		return nil, fmt.Errorf("%w: its issuer is no plain https:// address", ErrUnavailable)
	}
	got, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), issuer)
	if err != nil {
		return nil, unreachable("read metadata", err)
	}
	var said struct {
		KeysURL    string `json:"jwks_uri"`
		SaysIssuer bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := got.Claims(&said); err != nil {
		return nil, fmt.Errorf("%w: its metadata is malformed", ErrUnavailable)
	}
	for _, address := range []string{got.Endpoint().AuthURL, got.Endpoint().TokenURL, said.KeysURL} {
		if !plainHTTPS(address) {
			return nil, fmt.Errorf("%w: its metadata leads to no plain https:// address", ErrUnavailable)
		}
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(ctx, p.client), said.KeysURL)
	return &provider{oidc: got, keys: keys, saysIssuer: said.SaysIssuer}, nil
}

func plainHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Fragment == ""
}

// watched remembers how verifying a signature failed, which the verifier's own
// error does not tell apart.
type watched struct {
	oidc.KeySet
	err error
}

// VerifySignature is the key set's.
func (w *watched) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := w.KeySet.VerifySignature(ctx, token)
	w.err = err
	return payload, err
}

// unreachable keeps why a bank could not be reached, and nothing that it said.
func unreachable(doing string, err error) error {
	var dialled *url.Error
	if errors.As(err, &dialled) {
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, dialled.Err)
	}
	return fmt.Errorf("%w: %s: its answer can't be used", ErrUnavailable, doing)
}

// bounded is a copy of a client that follows no redirects, waits for no answer
// longer than it should and reads none that is too long.
func bounded(c *http.Client) *http.Client {
	out := *c
	if out.Timeout == 0 {
		out.Timeout = waiting
	}
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	out.Transport = shortAnswers{next}
	return &out
}

type shortAnswers struct{ next http.RoundTripper }

// RoundTrip cuts long answers short with an error.
func (s shortAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxBody)
	return resp, nil
}
