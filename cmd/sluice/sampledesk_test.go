package main

import (
	"crypto/tls"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"sluice/authn/devca"
	"sluice/reference/samplebank"
)

func TestADeskIsServedOverTLSAndLeadsToItsDoor(t *testing.T) {
	dir := t.TempDir()
	ca, err := devca.Open(filepath.Join(dir, "pki"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	data, err := samplebank.Load()
	if err != nil {
		t.Fatal(err)
	}
	b, err := serveSampleBank(t.Context(), data, ca, sampleBankPlace{id: "morava", listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := connectSampleFeed(&connection{Data: dir, Gateway: "127.0.0.1:1"}, b)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(f.close(), b.stop()); err != nil {
			t.Error(err)
		}
	}()
	if err := b.serveDesk(t.Context(), f, sampleDesk{listen: "127.0.0.1:0", agents: []string{"Jana"}, questions: true}); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Roots()}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	answer, err := client.Get(b.desk + "/")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/sign-in" {
		t.Errorf("%v", answer)
	}
	if err := b.serveDesk(t.Context(), f, sampleDesk{listen: "127.0.0.1:0"}); err == nil {
		t.Error("a desk without agents was served")
	}
}
