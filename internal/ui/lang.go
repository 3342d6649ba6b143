package ui

import (
	"net/http"
	"net/url"
	"strings"
)

// Lang is a language that pages are written in.
type Lang string

// The two languages. Every string exists in both.
const (
	JA Lang = "ja"
	EN Lang = "en"
)

// Langs lists the languages, the first being the one for people who said
// nothing.
func Langs() []Lang { return []Lang{JA, EN} }

// Text is the same words in both languages.
type Text struct {
	JA string `json:"ja"`
	EN string `json:"en"`
}

// In is the text in language l; the other one when l has none.
func (t Text) In(l Lang) string {
	if l == EN && t.EN != "" || t.JA == "" {
		return t.EN
	}
	return t.JA
}

// LangCookie is the cookie that remembers the language chosen in the frame.
const LangCookie = "lang"

// LangOf is the language of a request: the one chosen in the frame, else the
// first of Accept-Language that we have, else Japanese.
func LangOf(r *http.Request) Lang {
	if c, err := r.Cookie(LangCookie); err == nil {
		switch Lang(c.Value) {
		case JA, EN:
			return Lang(c.Value)
		}
	}
	// Browsers list languages by falling preference; weights only repeat that.
	for _, tag := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		switch primary, _, _ := strings.Cut(strings.ToLower(tag), "-"); primary {
		case "ja":
			return JA
		case "en":
			return EN
		}
	}
	return JA
}

// setLanguage answers POST /language: it keeps the choice and goes back.
func (s *Site) setLanguage(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	l := Lang(r.PostFormValue("to"))
	if l != JA && l != EN {
		l = JA
	}
	http.SetCookie(w, &http.Cookie{
		Name: LangCookie, Value: string(l), Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, Secure: s.party.Secure, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, LocalPath(r.PostFormValue("back"), "/"), http.StatusSeeOther)
}

// LocalPath is s when it is a path on this very origin, else instead. Nothing
// that a page or link says may send a person to another host.
func LocalPath(s, instead string) string {
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil ||
		!strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") ||
		strings.ContainsAny(s, "\\\r\n\t") {
		return instead
	}
	return s
}
