package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed static
var staticFiles embed.FS

// Assets serves the style sheet, fonts and scripts under /static/TAG/, where
// TAG is a hash over all of them: browsers may keep them for ever.
type Assets struct {
	files fs.FS
	tag   string
}

// OpenAssets reads the files that this package brings, and those of more: a
// party's own pictures and scripts. A name in more hides the same name here.
func OpenAssets(more ...fs.FS) (*Assets, error) {
	own, err := fs.Sub(staticFiles, "static")
	if err != nil {
		return nil, fmt.Errorf("ui: open assets: %w", err)
	}
	a := &Assets{files: layers(append(more[:len(more):len(more)], own))}
	h := sha256.New()
	for _, layer := range more {
		sum, err := sumOf(layer)
		if err != nil {
			return nil, fmt.Errorf("ui: open assets: %w", err)
		}
		h.Write(sum)
	}
	sum, err := sumOfOwn()
	if err != nil {
		return nil, fmt.Errorf("ui: open assets: %w", err)
	}
	h.Write(sum)
	a.tag = hex.EncodeToString(h.Sum(nil)[:8])
	return a, nil
}

// sumOfOwn is sumOf what this package brings: megabytes of fonts, which every party of a
// process has.
var sumOfOwn = sync.OnceValues(func() ([]byte, error) { return sumOf(staticFiles) })

// sumOf is a hash over the names and contents of all files of one layer.
func sumOf(layer fs.FS) ([]byte, error) {
	h := sha256.New()
	err := fs.WalkDir(layer, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(layer, name)
		fmt.Fprintf(h, "%s %d\n", name, len(b))
		h.Write(b)
		return err
	})
	return h.Sum(nil), err
}

// layers is several file systems, the first that has a name wins.
type layers []fs.FS

func (l layers) Open(name string) (fs.File, error) {
	for _, f := range l {
		if file, err := f.Open(name); err == nil {
			return file, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// URL is the path of an asset: tegata.css → /static/TAG/tegata.css.
func (a *Assets) URL(name string) string { return "/static/" + a.tag + "/" + name }

// ServeHTTP answers /static/TAG/NAME.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/static/")
	tag, name, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || !fs.ValidPath(name) {
		http.NotFound(w, r)
		return
	}
	b, err := fs.ReadFile(a.files, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType(name))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if tag == a.tag {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else { // an old page asks for an old tag: serve today's, keep nothing
		w.Header().Set("Cache-Control", "no-cache")
	}
	w.Write(b)
}

// contentType knows the few kinds we serve; the system's table is not asked,
// because it differs from machine to machine.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".webmanifest":
		return "application/manifest+json"
	}
	return "application/octet-stream"
}
