package messenger

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
)

// policy lets a page load its own stylesheet, script and images, ask here for what
// is new and send its forms here, and nothing else; nobody may frame it.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// protect sets what every answer has.
func protect(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", policy)
	if secure {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

//go:embed static
var staticFiles embed.FS

type asset struct {
	kind, tag string
	content   []byte
}

func assets() (map[string]asset, error) {
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	files, err := staticFiles.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	out := map[string]asset{}
	for _, f := range files {
		raw, err := staticFiles.ReadFile("static/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("read file: %w", err)
		}
		sum := sha256.Sum256(raw)
		out[f.Name()] = asset{kinds[path.Ext(f.Name())], hex.EncodeToString(sum[:8]), raw}
	}
	return out, nil
}

// assetURL is where a file is, by what is in it.
func (m *Messenger) assetURL(name string) string {
	return "/static/" + name + "?v=" + m.static[name].tag
}

func (m *Messenger) serveStatic(w http.ResponseWriter, r *http.Request) {
	a, known := m.static[r.PathValue("name")]
	if !known {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	w.Header().Set("Content-Type", a.kind)
	if r.URL.Query().Get("v") == a.tag {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(a.content) // who asked may have gone
}
