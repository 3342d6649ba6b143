package desk

import "net/http"

// Cookie is where a browser keeps its token. SameSite is Lax: the page that holds a
// card to the reader leads back by a plain navigation, which Strict would leave without
// its entry; forms of other sites are refused by the guard (package httpd).
type Cookie struct {
	Secure bool // an https origin
}

func (c Cookie) name() string {
	if c.Secure {
		return "__Host-desk"
	}
	return "desk"
}

// Token is what a browser sent, or "".
func (c Cookie) Token(r *http.Request) string {
	k, err := r.Cookie(c.name())
	if err != nil {
		return ""
	}
	return k.Value
}

// Keep gives a browser its token until it is closed; "" takes it away.
func (c Cookie) Keep(w http.ResponseWriter, token string) {
	k := &http.Cookie{Name: c.name(), Value: token, Path: "/", HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode}
	if token == "" {
		k.MaxAge = -1
	}
	http.SetCookie(w, k)
}
