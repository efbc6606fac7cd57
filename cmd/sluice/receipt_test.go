package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeysOfReceiptsComeOnlyFromWhomWasAsked(t *testing.T) {
	const set = `{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`
	mux := http.NewServeMux()
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(set)) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/jwks", http.StatusFound) })
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat(" ", maxKeyFile+1)))
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) })
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		"/jwks": "", "/moved": "answered 302", "/huge": "longer than", "/empty": "has no JWK set", "/none": "answered 404",
	} {
		c := receiptVerifyCmd{JWKS: server.URL + path, CA: ca}
		keys, err := c.keys(t.Context())
		if says == "" && (err != nil || len(keys.Keys) != 1) || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %d keys, %v; want %q", path, len(keys.Keys), err, says)
		}
	}
	c := receiptVerifyCmd{JWKS: server.URL + "/jwks"}
	if _, err := c.keys(t.Context()); err == nil || !strings.Contains(err.Error(), "--ca") {
		t.Errorf("of a server of an authority that is not trusted: %v, want an error that names --ca", err)
	}
}
