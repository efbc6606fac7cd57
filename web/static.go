package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"time"
)

//go:embed static
var staticFiles embed.FS

// asset is a file that pages refer to, with a name of its content.
type asset struct {
	content []byte
	version string
}

func assets() (map[string]asset, error) {
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	out := map[string]asset{}
	for _, e := range entries {
		raw, err := staticFiles.ReadFile(path.Join("static", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", e.Name(), err)
		}
		sum := sha256.Sum256(raw)
		out[e.Name()] = asset{content: raw, version: hex.EncodeToString(sum[:6])}
	}
	return out, nil
}

// assetURL changes with the content, so that it may be cached for good.
func (s *Site) assetURL(name string) string {
	return "/static/" + name + "?v=" + s.static[name].version
}

func (s *Site) serveStatic(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	found, ok := s.static[name]
	if !ok {
		s.visit(w, r, (*visit).nothing)
		return
	}
	if r.URL.Query().Get("v") == found.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(found.content))
}
