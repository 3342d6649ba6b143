package relying

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"
)

// sessionLife is how long somebody stays logged in; maxSessions bounds the memory that
// strangers can take.
const (
	sessionLife = 30 * time.Minute
	maxSessions = 10_000
)

// Session is one browser's. It is in memory alone: who goes away leaves nothing.
type Session[T any] struct {
	Sub    string // "" until they came back from logging in
	SID    string // of the provider's session
	Claims Claims
	Login  Login  // that waits for this browser
	To     string // where it is led; "" when no login waits
	Taken  Taken  // the last signature that came back
	Keeps  T      // the service's own: a draft, the way back
	tries  int    // by which the next signature is asked for under a new transaction
	until  time.Time
}

// Sessions are those of all browsers of one service.
type Sessions[T any] struct {
	name   string
	secure bool
	now    func() time.Time

	mu    sync.Mutex // guards what follows
	all   map[string]Session[T]
	ended map[string]time.Time // ids of logout tokens that served
}

// NewSessions has sessions under a cookie of a name; secure says that the origin is HTTPS.
func NewSessions[T any](name string, secure bool, now func() time.Time) *Sessions[T] {
	if secure {
		name = "__Host-" + name // RFC 6265bis, section 4.1.3.2
	}
	return &Sessions[T]{name: name, secure: secure, now: now, all: map[string]Session[T]{}, ended: map[string]time.Time{}}
}

// Find is a browser's session with its token; "" and nothing when it has none.
func (s *Sessions[T]) Find(r *http.Request) (string, Session[T]) {
	c, err := r.Cookie(s.name)
	if err != nil {
		return "", Session[T]{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.all[c.Value]
	if !ok || !s.now().Before(v.until) {
		return "", Session[T]{}
	}
	return c.Value, v
}

// Begin puts a session in place of an old one, under a token that nobody knew before.
func (s *Sessions[T]) Begin(w http.ResponseWriter, old string, v Session[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.now()
	delete(s.all, old)
	s.makeRoom(at)
	token := rand.Text()
	v.until = at.Add(sessionLife)
	s.all[token] = v
	http.SetCookie(w, &http.Cookie{Name: s.name, Value: token, Path: "/", HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
		MaxAge: int(sessionLife / time.Second)})
}

// makeRoom forgets sessions when there are too many: whoever began no login first, then who
// waits for one. Those who logged in stay. s.mu is held.
func (s *Sessions[T]) makeRoom(at time.Time) {
	for _, goes := range []func(Session[T]) bool{
		func(v Session[T]) bool { return !at.Before(v.until) },
		func(v Session[T]) bool { return v.Sub == "" && v.Login.State == "" },
		func(v Session[T]) bool { return v.Sub == "" },
	} {
		if len(s.all) < maxSessions {
			return
		}
		for token, v := range s.all {
			if goes(v) {
				delete(s.all, token)
			}
		}
	}
}

// Change changes a session that is still there.
func (s *Sessions[T]) Change(token string, f func(*Session[T])) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.all[token]; ok {
		f(&v)
		s.all[token] = v
	}
}

// Take is the login that a browser waits for, when state, as the browser brought it, is its
// own: what a stranger's link brings uses up nothing. It serves once: back, reload and a
// double click find nothing to finish twice.
func (s *Sessions[T]) Take(token, state string) (l Login) {
	s.Change(token, func(v *Session[T]) {
		if v.Login.State != "" && subtle.ConstantTimeCompare([]byte(v.Login.State), []byte(state)) == 1 {
			l, v.Login, v.To = v.Login, Login{}, ""
		}
	})
	return l
}

// Drop ends a browser's session.
func (s *Sessions[T]) Drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, token)
}

// End ends what a logout token names. The same token again ends nothing: who logged in
// since stays (OpenID Connect Back-Channel Logout 1.0, section 2.6).
func (s *Sessions[T]) End(e Ended) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A token is refused by its age long before it is forgotten here.
	at := time.Now()
	for id, until := range s.ended {
		if at.After(until) {
			delete(s.ended, id)
		}
	}
	if _, again := s.ended[e.ID]; again {
		return
	}
	s.ended[e.ID] = at.Add(10 * logoutLife)
	for token, v := range s.all {
		if e.SID != "" && v.SID == e.SID || e.SID == "" && v.Sub == e.Sub {
			delete(s.all, token)
		}
	}
}
