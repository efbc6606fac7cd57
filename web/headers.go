package web

import (
	"net"
	"net/http"
	"strings"
)

// policy lets a page load its own stylesheet, script and images and send its
// forms here, and nothing else; nobody may frame it.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// protect sets what every answer has. A machine's own names are spared the promise
// of TLS: it would hold for whatever else is served there, on any port.
func protect(h http.Header, host string) {
	h.Set("Content-Security-Policy", policy)
	if !loopback(host) {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer: then the Origin of our own forms would be "null", and a
	// browser that sends no Sec-Fetch-Site could not be told from another site.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return strings.EqualFold(name, "localhost") || net.ParseIP(strings.Trim(name, "[]")).IsLoopback()
}
