package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"tegata/internal/httpd"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed words
var wordFiles embed.FS

// Party is whose pages these are, as the band at the top shows it.
type Party struct {
	// ID is the party's short name: it picks the colour of the band
	// ("portal" → class band-portal) and is no secret.
	ID string
	// Name is written in the band.
	Name Text
	// Mark is the small drawing beside the name, one of MarkNames.
	Mark string
	// Home is where the name in the band leads; "" is "/".
	Home string
	// Secure marks the cookies Secure: an https origin.
	Secure bool
	// Sandbox writes on every page that this is a sandbox and no real
	// authority.
	Sandbox bool
}

// Site is the pages of one party in every language.
type Site struct {
	party  Party
	assets *Assets
	words  Catalogue
	pages  map[Lang]map[string]page
}

// page makes a page's template for one language when it is shown first. It holds a copy
// of all that pages share, and most pages of a process are never shown.
type page func() (*template.Template, error)

// NewSite parses every *.html at the root of pages, each a page of the name of
// its file, and ja.json and en.json beside them. A file *.part.html
// is no page: what it defines is there for every page. static, when not nil,
// holds further assets. An error names the file that does not parse.
func NewSite(party Party, pages, static fs.FS) (*Site, error) {
	s := &Site{party: party, pages: make(map[Lang]map[string]page)}
	var err error
	if static == nil {
		s.assets, err = OpenAssets()
	} else {
		s.assets, err = OpenAssets(static)
	}
	if err != nil {
		return nil, err
	}
	common, err := CommonWords()
	if err != nil {
		return nil, err
	}
	own, err := OpenCatalogue(pages)
	if err != nil {
		return nil, err
	}
	s.words = common.merge(own)
	names, err := fs.Glob(pages, "*.html")
	if err != nil {
		return nil, fmt.Errorf("ui: list pages: %w", err)
	}
	files := []pageFile{{templateFiles, "templates/trouble.html"}}
	var parts []string
	for _, name := range names {
		if strings.HasSuffix(name, ".part.html") {
			parts = append(parts, name)
		} else {
			files = append(files, pageFile{pages, name})
		}
	}
	for _, l := range Langs() {
		base, err := template.New("base").Funcs(s.funcs(l)).ParseFS(templateFiles, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("ui: parse shell: %w", err)
		}
		for _, name := range parts {
			if base, err = base.ParseFS(pages, name); err != nil {
				return nil, fmt.Errorf("ui: parts %s: %w", name, err)
			}
		}
		s.pages[l] = make(map[string]page)
		for _, f := range files {
			text, err := fs.ReadFile(f.in, f.name)
			if err == nil { // what does not parse is said at the start, whether it is ever shown or not
				_, err = template.New(path.Base(f.name)).Funcs(s.funcs(l)).Parse(string(text))
			}
			if err != nil {
				return nil, fmt.Errorf("ui: page %s: %w", f.name, err)
			}
			s.pages[l][strings.TrimSuffix(path.Base(f.name), ".html")] = sync.OnceValues(func() (*template.Template, error) {
				t, err := base.Clone()
				if err != nil {
					return nil, err
				}
				return t.New(path.Base(f.name)).Parse(string(text))
			})
		}
	}
	return s, nil
}

// pageFile is where a page stands.
type pageFile struct {
	in   fs.FS
	name string
}

// CommonWords are the strings of every site, which a party may say in its own way.
func CommonWords() (Catalogue, error) {
	words, err := fs.Sub(wordFiles, "words")
	if err != nil {
		return Catalogue{}, fmt.Errorf("ui: open words: %w", err)
	}
	return OpenCatalogue(words)
}

// Screen is one answer: which page with which values.
type Screen struct {
	// Page names the file: "home" is home.html.
	Page string
	// Data is the page's typed struct.
	Data any
	// Status is the HTTP status; 0 is 200.
	Status int
	// Frame, when not nil, puts the page inside the phone.
	Frame *Frame
	// Poll, when not 0, asks again after this long: by script without
	// losing one's place, else by the browser's own refresh.
	Poll time.Duration
	// Quiet leaves the navigation away: a wizard, a question.
	Quiet bool
	// Bad marks the title of a page that came back with a problem.
	Bad bool
}

// shell is what the outermost template sees.
type shell struct {
	Screen
	Lang    Lang
	Party   Party
	Path    string // where the language switch comes back to
	Seconds int    // Poll for the browser's own refresh, at least 1
	Millis  int64  // Poll for the script
}

// Render writes one page. The page is made in a buffer first: when it fails,
// the answer is a plain 500 and the error is returned for the log.
func (s *Site) Render(w http.ResponseWriter, r *http.Request, sc Screen) error {
	l := LangOf(r)
	open, ok := s.pages[l][sc.Page]
	if !ok {
		http.Error(w, "こちらの不具合です / This is our fault", http.StatusInternalServerError)
		return fmt.Errorf("ui: no page %q", sc.Page)
	}
	t, err := open()
	if err != nil {
		http.Error(w, "こちらの不具合です / This is our fault", http.StatusInternalServerError)
		return fmt.Errorf("ui: page %s: %w", sc.Page, err)
	}
	v := shell{Screen: sc, Lang: l, Party: s.party, Path: "/", Millis: sc.Poll.Milliseconds()}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		v.Path = r.URL.RequestURI()
	} else {
		v.Path = LocalPath(r.URL.Path, "/")
	}
	v.Seconds = max(1, int(sc.Poll.Seconds()))
	if v.Party.Home == "" {
		v.Party.Home = "/"
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "shell", v); err != nil {
		http.Error(w, "こちらの不具合です / This is our fault", http.StatusInternalServerError)
		return fmt.Errorf("ui: render %s: %w", sc.Page, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store") // pages hold a person's data
	h.Add("Vary", "Cookie, Accept-Language")
	if sc.Status == 0 {
		sc.Status = http.StatusOK
	}
	w.WriteHeader(sc.Status)
	if r.Method != http.MethodHead {
		w.Write(b.Bytes())
	}
	return nil
}

// Polling says that a page in a browser asks by script whether anything is new
// (Screen.Poll), and that no person will see the whole of the answer.
func Polling(r *http.Request) bool { return r.Header.Get("Tegata-Poll") != "" }

// Mount adds what every site serves besides its pages: /static/ and POST
// /language.
func (s *Site) Mount(mux httpd.Registrar) {
	mux.Handle("GET /static/", s.assets)
	mux.HandleFunc("POST /language", s.setLanguage)
}

// Asset is the path of an asset, for pages written outside a template.
func (s *Site) Asset(name string) string { return s.assets.URL(name) }

// Say is a string of the party's catalogue.
func (s *Site) Say(l Lang, key string, args ...any) string { return s.words.Say(l, key, args...) }

// Words is the party's catalogue, the common strings included.
func (s *Site) Words() Catalogue { return s.words }
