package relying_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tegata/services/relying"
)

func TestALoginBringsWhatWasAllowed(t *testing.T) {
	o, p := newOP(t)
	l, to, err := p.Begin(t.Context(), relying.Request{Scopes: []string{"name", "address"}})
	if err != nil {
		t.Fatal(err)
	}
	who, err := p.Finish(t.Context(), l, o.approve(to))
	if err != nil || who.Claims.Name != "手形 花子" || who.Claims.Address.Formatted != "東京都" || who.SID != "session-1" {
		t.Fatalf("%+v, %v", who, err)
	}
	// Who asked for nothing does not go and ask.
	o.told = "taro-at-the-bank"
	if l, to, err = p.Begin(t.Context(), relying.Request{}); err != nil {
		t.Fatal(err)
	}
	if who, err := p.Finish(t.Context(), l, o.approve(to)); err != nil || who.Claims != (relying.Claims{}) {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestALogoutTokenIsRead(t *testing.T) {
	o, p := newOP(t)
	whole := func(change func(map[string]any)) string {
		claims := map[string]any{"jti": "1", "sid": "session-1", "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
		change(claims)
		return o.says(claims)
	}
	e, err := p.ReadLogout(t.Context(), whole(func(map[string]any) {}))
	if err != nil || e != (relying.Ended{ID: "1", Sub: "hanako-at-the-bank", SID: "session-1"}) {
		t.Errorf("%+v, %v", e, err)
	}
	for name, change := range map[string]func(map[string]any){
		"no event":        func(c map[string]any) { c["events"] = map[string]any{} },
		"a nonce":         func(c map[string]any) { c["nonce"] = "n" }, // an ID Token in disguise
		"no id":           func(c map[string]any) { delete(c, "jti") },
		"nobody":          func(c map[string]any) { delete(c, "sid"); c["sub"] = "" },
		"another party's": func(c map[string]any) { c["aud"] = "shop" },
		"another issuer":  func(c map[string]any) { c["iss"] = "https://other.example" },
		"old":             func(c map[string]any) { c["iat"] = time.Now().Add(-3 * time.Minute).Unix() },
		"over":            func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() },
	} {
		if e, err := p.ReadLogout(t.Context(), whole(change)); !errors.Is(err, relying.ErrLogoutToken) || e != (relying.Ended{}) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	token := whole(func(map[string]any) {})
	if e, err := o.party().ReadLogout(t.Context(), token); err != nil {
		t.Errorf("before: %+v, %v", e, err)
	}
	away := o.party()
	o.away = true
	if e, err := away.ReadLogout(t.Context(), token); !errors.Is(err, relying.ErrProvider) || errors.Is(err, relying.ErrLogoutToken) || e != (relying.Ended{}) {
		t.Errorf("without the provider's keys: %+v, %v", e, err)
	}
	o.away, o.forged = false, o.client
	if _, err := p.ReadLogout(t.Context(), whole(func(map[string]any) {})); !errors.Is(err, relying.ErrLogoutToken) {
		t.Errorf("another's key: %v", err)
	}
}

// browser keeps the cookie of a service.
type browser struct{ cookie *http.Cookie }

func (b *browser) request() *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	return r
}

func (b *browser) begin(s *relying.Sessions[string], old string, v relying.Session[string]) {
	w := httptest.NewRecorder()
	s.Begin(w, old, v)
	b.cookie = w.Result().Cookies()[0]
}

// Strangers who begin nothing take nobody's place.
func TestAFloodTakesNoLoginAway(t *testing.T) {
	s := relying.NewSessions[string]("bank", false, time.Now)
	waiting, in := &browser{}, &browser{}
	waiting.begin(s, "", relying.Session[string]{Login: relying.Login{State: "s"}})
	in.begin(s, "", relying.Session[string]{Sub: "hanako"})
	for range 20_000 {
		s.Begin(httptest.NewRecorder(), "", relying.Session[string]{})
	}
	if token, v := s.Find(waiting.request()); token == "" || v.Login.State != "s" {
		t.Error("a login that waited for its phone is gone")
	}
	if _, v := s.Find(in.request()); v.Sub != "hanako" {
		t.Error("somebody was logged out")
	}
}

func TestSessions(t *testing.T) {
	now := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
	s := relying.NewSessions[string]("bank", true, func() time.Time { return now })
	b := &browser{}
	if token, v := s.Find(b.request()); token != "" || v.Sub != "" {
		t.Errorf("a stranger: %q %+v", token, v)
	}
	b.begin(s, "", relying.Session[string]{Login: relying.Login{State: "s"}, To: "https://op"})
	if c := b.cookie; c.Name != "__Host-bank" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Errorf("cookie %+v", c)
	}
	waiting, _ := s.Find(b.request())
	if l := s.Take(waiting, "another"); l != (relying.Login{}) {
		t.Errorf("a stranger's link took %+v", l)
	}
	if l := s.Take(waiting, ""); l != (relying.Login{}) {
		t.Errorf("no state took %+v", l)
	}
	if l := s.Take(waiting, "s"); l.State != "s" {
		t.Errorf("%+v", l)
	}
	if l := s.Take(waiting, "s"); l != (relying.Login{}) {
		t.Errorf("the same login twice: %+v", l)
	}
	// Who logs in gets another token: one that was planted opens nothing.
	b.begin(s, waiting, relying.Session[string]{Sub: "hanako", SID: "1"})
	token, v := s.Find(b.request())
	if token == waiting || v.Sub != "hanako" || v.To != "" {
		t.Errorf("%q %+v", token, v)
	}
	s.Change(token, func(v *relying.Session[string]) { v.Keeps = "draft" })
	if _, v := s.Find(b.request()); v.Keeps != "draft" {
		t.Errorf("%+v", v)
	}
	s.Change(waiting, func(v *relying.Session[string]) { v.Sub = "taro" })
	if l := s.Take(waiting, ""); l.State != "" {
		t.Error("a session that ended came back")
	}

	taro := &browser{}
	taro.begin(s, "", relying.Session[string]{Sub: "taro", SID: "2"})
	s.End(relying.Ended{ID: "a", Sub: "taro", SID: "1"}) // by its sid, whoever it says
	if _, v := s.Find(b.request()); v.Sub != "" {
		t.Error("logged out, and in")
	}
	b.begin(s, "", relying.Session[string]{Sub: "hanako", SID: "1"})
	s.End(relying.Ended{ID: "a", SID: "1"})
	if _, v := s.Find(b.request()); v.Sub == "" {
		t.Error("the same token ended two logins")
	}
	s.End(relying.Ended{ID: "b", Sub: "taro"})
	if _, v := s.Find(taro.request()); v.Sub != "" {
		t.Error("all of taro's sessions ended, and one did not")
	}
	now = now.Add(30 * time.Minute)
	if _, v := s.Find(b.request()); v.Sub != "" {
		t.Error("a session lasts for ever")
	}
	token, _ = s.Find(b.request())
	s.Drop(token)
}
