package ui

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"

	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// laterLife is how long a browser keeps what a form has to say, in seconds: a
// reload says it again.
const laterLife = 10 * 60

// maxLater keeps the cookie below the 4096 bytes that browsers take (RFC 6265bis,
// section 5.7).
const maxLater = 3500

// Later is what a form has to say on the page that it leads to. A form that
// answered with a page of its own would be sent again at a reload, and could not
// be come back to. It travels in a cookie of this browser, so that a party needs
// to remember nothing; no secret may be in it.
type Later struct {
	Path    string     `json:"path"` // of the page that says it
	Trouble *Trouble   `json:"trouble"`
	Entered url.Values `json:"entered,omitempty"` // what was entered, for the fields
}

func (s *Site) laterCookie(value string, age int) *http.Cookie {
	name := "later"
	if s.party.Secure {
		name = "__Host-later" // nobody else can put words into this page
	}
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.party.Secure, SameSite: http.SameSiteLaxMode}
}

// GoTo sends the browser from a form to the page at l.Path, which says l, and to
// its place named fragment; "" is its top.
func (s *Site) GoTo(w http.ResponseWriter, r *http.Request, l Later, fragment string) {
	value := func() string {
		b, err := json.Marshal(l)
		if err != nil {
			return "" // it has texts and numbers only
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	v := value()
	if len(v) > maxLater && l.Trouble != nil { // another party's long words
		short := *l.Trouble
		short.Detail = Text{}
		l.Trouble = &short
		v = value()
	}
	http.SetCookie(w, s.laterCookie(v, laterLife))
	to := url.URL{Path: l.Path, Fragment: fragment}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// Said is what a form left for this page, zero when nothing.
func (s *Site) Said(r *http.Request) Later {
	c, err := r.Cookie(s.laterCookie("", 0).Name)
	if err != nil {
		return Later{}
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return Later{}
	}
	var l Later
	if json.Unmarshal(b, &l) != nil || l.Path != r.URL.Path || l.Trouble == nil {
		return Later{}
	}
	// A browser may send what it likes: words are only words, but a way on is ours to
	// name.
	l.Trouble.Next = Action{}
	if l.Trouble.Icon() == (&Trouble{}).Icon() {
		l.Trouble.Kind = problem.OurFault
	}
	if l.Trouble.Status < 400 || l.Trouble.Status > 599 {
		l.Trouble.Status = http.StatusInternalServerError
	}
	return l
}

// Unsay drops what a form left, for a page that says it once.
func (s *Site) Unsay(w http.ResponseWriter) { http.SetCookie(w, s.laterCookie("", -1)) }

// troublePath is the page of what the last form failed with.
const troublePath = "/trouble"

// FailForm sends the browser from a form that failed to the page that MountTrouble
// mounted. It reports whether it did: what was only looked at has no form.
func (s *Site) FailForm(w http.ResponseWriter, r *http.Request, t *Trouble) bool {
	if r.Method != http.MethodPost {
		return false
	}
	s.GoTo(w, r, Later{Path: troublePath, Trouble: t}, "")
	return true
}

// MountTrouble adds the page of what the last form failed with; show writes it.
func (s *Site) MountTrouble(mux httpd.Registrar, show func(http.ResponseWriter, *http.Request, *Trouble)) {
	mux.HandleFunc("GET "+troublePath, func(w http.ResponseWriter, r *http.Request) {
		if t := s.Said(r).Trouble; t != nil {
			show(w, r, t)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}
