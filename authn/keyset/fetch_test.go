package keyset_test

import (
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sluice/authn/keyset"
)

// partnerSite serves a key set, and counts how often.
type partnerSite struct {
	*httptest.Server
	asked  atomic.Int32
	answer atomic.Value // http.HandlerFunc
	now    atomic.Int64
}

func newPartnerSite(t *testing.T) *partnerSite {
	t.Helper()
	s := &partnerSite{}
	raw := set(t, jose.JSONWebKey{Key: ec(t, elliptic.P256()).Public(), KeyID: "a"})
	s.answer.Store(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) }))
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.answer.Load().(http.HandlerFunc)(w, r)
	}))
	t.Cleanup(s.Close)
	s.now.Store(time.Now().UnixNano())
	return s
}

func (s *partnerSite) fetcher(private bool) *keyset.Fetcher {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return keyset.NewFetcher(keyset.Config{Roots: roots, Private: private, Now: func() time.Time { return time.Unix(0, s.now.Load()) }})
}

func TestKeysAreKeptForFiveMinutesAndServeAnHourOfOutage(t *testing.T) {
	s := newPartnerSite(t)
	f := s.fetcher(true)
	ask := func(wantErr bool, asked int32) {
		t.Helper()
		_, err := f.Keys(t.Context(), s.URL)
		if (err != nil) != wantErr || s.asked.Load() != asked {
			t.Fatalf("got %v after %d requests, want error %t after %d", err, s.asked.Load(), wantErr, asked)
		}
	}
	ask(false, 1)
	ask(false, 1)
	s.now.Add(int64(6 * time.Minute))
	ask(false, 2)
	s.answer.Store(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	s.now.Add(int64(6 * time.Minute))
	ask(false, 3) // the old set serves on
	ask(false, 3) // and the site is left alone for a while
	s.now.Add(int64(time.Hour))
	ask(true, 4)
}

// Whoever names a partner can ask for its keys: neither many at once nor who
// leaves early may cost it, or its site, anything.
func TestManyWhoAskAtOnceAskTheSiteOnceAndWhoLeavesSpoilsNothing(t *testing.T) {
	s := newPartnerSite(t)
	f := s.fetcher(true)
	good := s.answer.Load().(http.HandlerFunc)
	arrived, answer := make(chan struct{}), make(chan struct{})
	s.answer.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-answer
		good(w, r)
	}))
	leaving, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { _, err := f.Keys(leaving, s.URL); left <- err }()
	<-arrived
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	stayed := make(chan error)
	for range 8 {
		go func() { _, err := f.Keys(t.Context(), s.URL); stayed <- err }()
	}
	close(answer)
	for range 8 {
		if err := <-stayed; err != nil {
			t.Errorf("who stayed got %v", err)
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("the site was asked %d times", n)
	}
}

func TestAKeyAddressCanNotReachIntoTheOperatorsNetwork(t *testing.T) {
	s := newPartnerSite(t)
	if _, err := s.fetcher(false).Keys(t.Context(), s.URL); err == nil {
		t.Error("read keys from a loopback address")
	}
	for _, address := range []string{
		"https://10.0.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data", "https://[::1]/",
		"https://[fe80::1]/", "https://[fd00::1]/", "https://0.0.0.0/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/",
		"https://100.64.0.1/", "https://localhost/",
	} {
		if _, err := s.fetcher(false).Keys(t.Context(), address); err == nil || !strings.Contains(err.Error(), "not a public one") {
			t.Errorf("%s: got %v", address, err)
		}
	}
	if s.asked.Load() != 0 {
		t.Error("the site was asked")
	}
}

func TestAKeyAddressThatMisbehavesIsRefused(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"redirects": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"is endless": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[` + strings.Repeat(" ", 100<<10)))
		},
		"answers no keys": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"fails":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newPartnerSite(t)
			s.answer.Store(answer)
			if _, err := s.fetcher(true).Keys(t.Context(), s.URL); err == nil {
				t.Error("took it")
			}
			if s.asked.Load() != 1 {
				t.Errorf("asked %d times", s.asked.Load())
			}
		})
	}
}

func TestOnlyPlainHTTPSAddressesMayBeRegistered(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://partner.example/jwks.json": true, "http://partner.example/": false, "https://u:p@partner.example/": false,
		"https://partner.example/#x": false, "file:///etc/passwd": false, "https://": false, "": false, "://": false,
	} {
		err := keyset.CheckURL(address)
		if (err == nil) != ok || err != nil && !errors.Is(err, keyset.ErrInvalid) {
			t.Errorf("%q: got %v", address, err)
		}
	}
}
