package main

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/reference/messenger"
)

func TestAMessengerOffersItsBanksAndEndsAtOnce(t *testing.T) {
	dir := t.TempDir()
	ca, err := devca.Open(filepath.Join(dir, "pki"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Issue(authn.Identity{Kind: authn.Partner, ID: "chat"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	site, err := listenMessenger(t.Context(), "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	if want := site.url + "/done"; site.redirect() != want {
		t.Errorf("customers come back to %s, want %s", site.redirect(), want)
	}
	place := messengerPlace{
		partner: "chat", issuer: "https://localhost:1", mtls: "https://localhost:2", banks: []messenger.Bank{{ID: "morava", Name: "Banka Morava"}},
	}
	if err := site.open(t.Context(), &connection{Data: dir, Gateway: "127.0.0.1:1"}, place); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(site.url + "/connect")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(page), "Banka Morava") {
		t.Errorf("%v, %v: %s", answer.Status, err, page)
	}
	if err := site.close(); err != nil {
		t.Error(err)
	}
	if answer, err := http.Get(site.url + "/"); err == nil {
		answer.Body.Close()
		t.Error("it is served though it was closed")
	}
}

func TestAMessengerThatCannotOpenLetsGoOfItsAddress(t *testing.T) {
	site, err := listenMessenger(t.Context(), "127.0.0.1:0", "https://chat.example/")
	if err != nil {
		t.Fatal(err)
	}
	if site.redirect() != "https://chat.example/done" {
		t.Errorf("customers come back to %s", site.redirect())
	}
	err = site.open(t.Context(), &connection{Data: t.TempDir(), Gateway: "127.0.0.1:1"}, messengerPlace{partner: "chat"})
	if err == nil || !strings.Contains(err.Error(), "sluice certificate partner chat") {
		t.Errorf("without a certificate: %v", err)
	}
	if err := site.close(); err != nil {
		t.Error(err)
	}
	again, err := listenMessenger(t.Context(), site.listen.Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := again.close(); err != nil {
		t.Error(err)
	}
}
