package keyset

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

const (
	fetchTimeout = 5 * time.Second
	maxBytes     = 64 << 10
	// fresh is how long a set is believed: a partner shows a new key that long
	// before it signs with it.
	fresh = 5 * time.Minute
	// stale is how long an old set serves while a new one can't be had.
	stale   = time.Hour
	retry   = 30 * time.Second
	maxSets = 1000
)

// Fetcher reads JWK sets from partners' addresses and keeps them for a while. It
// may be used by many goroutines.
type Fetcher struct {
	client  *http.Client
	now     func() time.Time
	flights singleflight.Group

	mu   sync.Mutex
	sets map[string]fetched
}

type fetched struct {
	set        jose.JSONWebKeySet
	at, failed time.Time
	err        error
}

// Config is what a Fetcher needs.
type Config struct {
	// Roots are the authorities that are trusted; nil: those of the machine.
	Roots *x509.CertPool
	// Private lets addresses of the operator's own network be reached. It is for
	// development only.
	Private bool
	Now     func() time.Time
}

// NewFetcher makes a Fetcher over a client of its own.
func NewFetcher(c Config) *Fetcher {
	return &Fetcher{now: c.Now, sets: map[string]fetched{}, client: NewClient(c)}
}

// NewClient makes a client for addresses that others have chosen. It follows no
// redirects, uses no proxy, and decides by the address that is dialled, so that a
// name that changes its address between look-up and connection gains nothing.
func NewClient(c Config) *http.Client {
	dialer := &net.Dialer{Timeout: fetchTimeout, Control: control(c.Private)}
	return &http.Client{
		Timeout: fetchTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: fetchTimeout,
			MaxResponseHeaderBytes: 16 << 10,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// CheckURL says whether keys may be read from an address at all.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return fmt.Errorf("%w: the address can't be read", ErrInvalid)
	case u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%w: the address must begin with https://", ErrInvalid)
	case u.User != nil || u.Fragment != "":
		return fmt.Errorf("%w: the address must have no password and no fragment", ErrInvalid)
	}
	return nil
}

// Keys are the keys at an address. Sets are kept for five minutes, and for an
// hour while new ones can't be had.
func (f *Fetcher) Keys(ctx context.Context, address string) (jose.JSONWebKeySet, error) {
	if kept, ok := f.find(address); ok {
		return kept.read(f.now())
	}
	// The work goes on if this caller leaves: others may wait for it.
	done := f.flights.DoChan(address, func() (any, error) {
		if kept, ok := f.find(address); ok {
			return kept, nil
		}
		set, err := f.fetch(context.WithoutCancel(ctx), address)
		return f.keep(address, set, err), nil
	})
	select {
	case <-ctx.Done():
		return jose.JSONWebKeySet{}, fmt.Errorf("wait for keys: %w", ctx.Err())
	case r := <-done:
		kept, _ := r.Val.(fetched)
		return kept.read(f.now())
	}
}

// find is what is kept of an address; false if it is to be asked now.
func (f *Fetcher) find(address string) (fetched, bool) {
	now := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.sets[address]
	return kept, now.Sub(kept.at) < fresh || now.Sub(kept.failed) < retry
}

func (f *Fetcher) keep(address string, set jose.JSONWebKeySet, err error) fetched {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.sets[address]
	if err != nil {
		kept.failed, kept.err = f.now(), err
	} else {
		kept = fetched{set: set, at: f.now()}
	}
	if len(f.sets) >= maxSets {
		clear(f.sets)
	}
	f.sets[address] = kept
	return kept
}

// read is the set while it may serve, and then why there is no newer one.
func (k fetched) read(now time.Time) (jose.JSONWebKeySet, error) {
	if now.Sub(k.at) < stale {
		return k.set, nil
	}
	return jose.JSONWebKeySet{}, k.err
}

func (f *Fetcher) fetch(ctx context.Context, address string) (jose.JSONWebKeySet, error) {
	if err := CheckURL(address); err != nil {
		return jose.JSONWebKeySet{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return jose.JSONWebKeySet{}, fmt.Errorf("fetch keys: %w", err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		return jose.JSONWebKeySet{}, fmt.Errorf("fetch keys: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return jose.JSONWebKeySet{}, fmt.Errorf("fetch keys: the address answered %d", resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBytes+1))
	if err != nil {
		return jose.JSONWebKeySet{}, fmt.Errorf("fetch keys: %w", err)
	}
	if len(raw) > maxBytes {
		return jose.JSONWebKeySet{}, fmt.Errorf("%w: it is longer than %d bytes", ErrInvalid, maxBytes)
	}
	return Parse(raw)
}

var errPrivate = errors.New("the address is not a public one")

// control refuses connections to anything but public addresses.
func control(private bool) func(string, string, syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", errPrivate, err)
		}
		if !private && !public(to.Addr().Unmap()) {
			return errPrivate
		}
		return nil
	}
}

func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, reserved := range []string{
		"100.64.0.0/10",   // carrier-grade NAT, RFC 6598
		"192.0.0.0/24",    // RFC 6890
		"192.0.2.0/24",    // documentation, RFC 5737
		"198.18.0.0/15",   // benchmarks, RFC 2544
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"240.0.0.0/4",     // reserved
		"64:ff9b::/96",    // NAT64 to any IPv4 address, RFC 6052
		"64:ff9b:1::/48",  // local NAT64, RFC 8215
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4, which embeds any IPv4 address
	} {
		if netip.MustParsePrefix(reserved).Contains(ip) {
			return false
		}
	}
	return true
}
