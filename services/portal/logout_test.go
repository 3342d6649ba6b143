package portal_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/services/portal"
	"tegata/services/portal/pages"
)

// Logging out asks nobody: it works while the verifier is away, and when the session has
// ended with its certificate, and leaves neither cookie nor session.
func TestALogOutAlwaysWorks(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, w *world, login string){
		"the verifier is there": func(*testing.T, *world, string) {},
		"the verifier is away": func(t *testing.T, w *world, _ string) {
			w.silent, w.now = true, w.now.Add(10*time.Minute)
		},
		"the phone is on hold": func(t *testing.T, w *world, login string) {
			w.tell(t, w.verifier, nil, login, ceremony.CertificateHeld)
			w.hear(t)
		},
		"the certificate is revoked": func(t *testing.T, w *world, login string) {
			w.tell(t, w.verifier, nil, login, ceremony.CertificateRevoked)
			w.hear(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				h, err := pages.New(pages.Options{Portal: w.Portal, Now: func() time.Time { return w.now }})
				if err != nil {
					t.Fatal(err)
				}
				login := ceremony.NewID()
				session := w.loggedIn(t, login)
				before(t, w, login)
				r := httptest.NewRequest("POST", "/logout", nil)
				r.AddCookie(&http.Cookie{Name: "portal-session", Value: session})
				rec := httptest.NewRecorder()
				h.Routes().ServeHTTP(rec, r)
				cookies := rec.Result().Cookies()
				if to := rec.Header().Get("Location"); to != "/bye" || len(cookies) != 1 || cookies[0].Name != "portal-session" || cookies[0].MaxAge >= 0 {
					t.Errorf("to %q with %v", to, cookies)
				}
				w.silent = false // whoever kept the cookie has nothing of it
				w.wantSession(t, session, portal.ErrNotLoggedIn)
			})
		})
	}
}
