package pages

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/secret"
	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
	"tegata/services/portal"
)

func sampleTrusting() portal.Trusting {
	until := moment().Add(24 * time.Hour)
	code := portal.CodeToTell{InvitationCode: secret.InvitationCodeFrom([]byte("trust me"))}
	return portal.Trusting{
		Trusted: []portal.Trusted{
			{ID: "a", State: "invited", Label: "いもうと", Shown: "ハナコ", Code: code, Until: until},
			{ID: "b", State: "accepted", Label: "おっと", Shown: "ハナコ", Name: "佐藤 太郎", Until: until},
			{ID: "c", State: "active", Label: "むすめ", Shown: "おかあさん", Name: "佐藤 さくら"},
		},
		Charges: []portal.Charge{{ID: "d", State: "active", Name: "ジロウ"}, {ID: "e", State: "active", Name: "サブロウ", Stopped: true},
			{ID: "f", State: "opened", Name: "シロウ"}, {ID: "g", State: "accepted", Name: "ゴロウ"}},
	}
}

func trustSamples() []uitest.Page {
	page := func(name, file string, data any) uitest.Page {
		return uitest.Page{Name: name, Screen: ui.Screen{Page: file, Data: data}}
	}
	all := sampleTrusting()
	home := pageOf(sampleHome(), moment())
	home.Charges = active(all.Charges, "")
	opened := portal.Trusting{Trusted: []portal.Trusted{{ID: "a", State: "opened", Label: "いもうと", Shown: "ハナコ"}}}
	return []uitest.Page{
		page("40-trusted", "trusted", trustPage{all, true}), page("41-trusted-empty", "trusted", trustPage{}),
		page("42-trusted-opened", "trusted", trustPage{opened, false}),
		page("43-invite", "trusted-invite", trustForm{Label: "いもうと", Shown: "ハナコ"}),
		page("44-code", "trusted-code", trustForm{}),
		page("45-code-digit", "trusted-code", trustForm{Trouble: ui.TroubleOf(nil, portal.ErrTrustCodeDigit)}),
		page("46-accept", "trusted-accept", all.Charges[2]),
		page("47-stop", "trusted-stop", stopPage{Charges: active(all.Charges, "")}),
		page("48-stop-login", "trusted-stop", stopPage{LogIn: true}), page("49-stop-nobody", "trusted-stop", stopPage{}),
		page("52-push", "push", pushPage{Key: "BAAA", Count: 0}), page("53-push-on", "push", pushPage{Key: "BAAA", Count: 2}),
		page("54-push-refused", "push", pushPage{Key: "BAAA", Trouble: ui.TroubleOf(nil, portal.ErrPushService)}), page("50-stopped", "trusted-stopped", all.Charges[1]), page("51-home-charges", "home", home),
	}
}

// friends is a portal where somebody is logged in with the cookie "me"; what its pages
// ask of it is noted.
type friends struct {
	Portal
	all   portal.Trusting
	asked []string
}

func (f *friends) SessionOf(_ context.Context, token string) (portal.Session, portal.Account, error) {
	if token != "me" {
		return portal.Session{}, portal.Account{}, portal.ErrNotLoggedIn
	}
	return portal.Session{Ends: moment().Add(time.Hour)}, portal.Account{Name: "佐藤 花子"}, nil
}

func (f *friends) Trusting(ctx context.Context, token string) (portal.Trusting, error) {
	_, _, err := f.SessionOf(ctx, token)
	return f.all, err
}

func (f *friends) Begin(context.Context, ceremony.Channel) (string, portal.Login, error) {
	return "browser", portal.Login{ExpiresAt: moment().Add(time.Minute)}, nil
}

func (f *friends) Return(context.Context, string, string) (string, error) { return "me", nil }
func (f *friends) Logout(context.Context, string) error                   { return nil }

func (f *friends) note(ctx context.Context, token string, words ...string) error {
	_, _, err := f.SessionOf(ctx, token)
	if err == nil {
		f.asked = append(f.asked, strings.Join(words, " "))
	}
	return err
}

func (f *friends) InviteTrusted(ctx context.Context, token, label, shown string) error {
	return f.note(ctx, token, "invite", label, shown)
}

func (f *friends) OpenInvitation(ctx context.Context, token string, code secret.InvitationCode) (string, error) {
	return "f", f.note(ctx, token, "open", code.Groups())
}

func (f *friends) StepTrust(ctx context.Context, token, id string, step portal.TrustStep) error {
	return f.note(ctx, token, string(step), id)
}

func (f *friends) SuspendCharge(ctx context.Context, token, id string) error {
	return f.note(ctx, token, "suspend", id)
}

// walk asks for a page or sends a form, as a browser with these cookies.
func walk(t *testing.T, h *Handler, method, path string, form url.Values, cookies ...*http.Cookie) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.Routes().ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

func TestWhatIsPressedReachesTheIssuerAndLeadsOn(t *testing.T) {
	f := &friends{all: sampleTrusting()}
	h, err := New(Options{Portal: f, Now: moment})
	if err != nil {
		t.Fatal(err)
	}
	me := &http.Cookie{Name: h.name(sessionCookie), Value: "me"}
	code := secret.InvitationCodeFrom([]byte("somebody")).Groups()
	for _, step := range []struct {
		path     string
		form     url.Values
		to, asks string
	}{
		{"/trusted/invite", url.Values{"label": {"いもうと"}, "shown": {"ハナコ"}}, "/trusted", "invite いもうと ハナコ"},
		{"/trusted/code", url.Values{"code": {code}}, "/trusted/accept?id=f", "open " + code},
		{"/trusted/code", url.Values{"code": {"12"}}, "/trusted/code", ""},
		{"/trusted/accept", url.Values{"id": {"f"}}, "/trusted", "acceptance f"},
		{"/trusted/confirm", url.Values{"id": {"b"}}, "/trusted", "confirmation b"},
		{"/trusted/end", url.Values{"id": {"c"}}, "/trusted", "end c"},
		{"/trusted/stop", url.Values{"id": {"d"}}, "/trusted/stopped?id=d", "suspend d"},
	} {
		f.asked = nil
		resp, _ := walk(t, h, "POST", step.path, step.form)
		if resp.Header.Get("Location") == step.to && step.asks != "" || len(f.asked) > 0 {
			t.Errorf("%s without a login: to %q, asked %q", step.path, resp.Header.Get("Location"), f.asked)
		}
		resp, _ = walk(t, h, "POST", step.path, step.form, me)
		if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != step.to || strings.Join(f.asked, "|") != step.asks {
			t.Errorf("%s: %d to %q, asked %q", step.path, resp.StatusCode, got, f.asked)
		}
	}
	// A link that somebody kept stops nothing and shows nobody else.
	for path, to := range map[string]string{"/trusted/stopped?id=d": "/trusted/stop?id=d", "/trusted/accept?id=d": "/trusted", "/trusted/stopped?id=zzz": "/trusted"} {
		if resp, _ := walk(t, h, "GET", path, nil, me); resp.Header.Get("Location") != to {
			t.Errorf("%s leads to %q", path, resp.Header.Get("Location"))
		}
	}
	_, page := walk(t, h, "GET", "/trusted/stop?id=d", nil, me)
	if !strings.Contains(page, "ジロウさんのスマホを止める") || strings.Contains(page, "サブロウ") {
		t.Errorf("the page of one shows\n%s", page)
	}
}

// From the first page to the button: a login that was begun to stop somebody's phone
// leads straight there, and any other goes home.
func TestALoginToStopAPhoneLeadsStraightToIt(t *testing.T) {
	f := &friends{all: sampleTrusting()}
	h, err := New(Options{Portal: f, Now: moment})
	if err != nil {
		t.Fatal(err)
	}
	if _, page := walk(t, h, "GET", "/trusted/stop", nil); !strings.Contains(page, `action="/trusted/login"`) {
		t.Errorf("without a login there is no way to one:\n%s", page)
	}
	forged := &http.Cookie{Name: h.name(thenCookie), Value: "//evil.example"}
	for path, to := range map[string]string{"/trusted/login": "/trusted/stop", "/suspend/login": "/suspend", "/login": "/home", "": "/home"} {
		cookies := []*http.Cookie{forged}
		if path != "" {
			resp, _ := walk(t, h, "POST", path, url.Values{"with": {"this"}})
			cookies = resp.Cookies()
		}
		back, _ := walk(t, h, "GET", "/login/return?response_code=x", nil, cookies...)
		if got := back.Header.Get("Location"); got != to {
			t.Errorf("a login by %q leads to %q", path, got)
		}
		for _, c := range back.Cookies() {
			if strings.HasSuffix(c.Name, thenCookie) && c.MaxAge >= 0 {
				t.Errorf("the cookie stays: %v", c)
			}
		}
	}
}

// brokenPortal cannot end a session.
type brokenPortal struct{ friends }

func (*brokenPortal) Logout(context.Context, string) error { return errors.New("the disk is full") }

// Who comes next at this screen is nobody, also when the session could not be ended.
func TestALogOutTakesTheCookieWhateverHappens(t *testing.T) {
	for to, p := range map[string]Portal{"/bye": &friends{}, "/trouble": &brokenPortal{}} {
		h, err := New(Options{Portal: p, Now: moment})
		if err != nil {
			t.Fatal(err)
		}
		resp, _ := walk(t, h, "POST", "/logout", url.Values{}, &http.Cookie{Name: h.name(sessionCookie), Value: "me"})
		gone := false
		for _, c := range resp.Cookies() {
			gone = gone || c.Name == h.name(sessionCookie) && c.MaxAge < 0
		}
		if !gone || resp.Header.Get("Location") != to {
			t.Errorf("to %q, the cookie is gone: %t; want %q", resp.Header.Get("Location"), gone, to)
		}
	}
}

// The issuer's digits become a secret at once.
func TestACodeIsNotPrinted(t *testing.T) {
	var c portal.CodeToTell
	digits := secret.InvitationCodeFrom([]byte("somebody")).Groups()
	if err := json.Unmarshal([]byte(`"`+digits+`"`), &c); err != nil || c.Groups() != digits {
		t.Fatalf("got %q, %v", c.Groups(), err)
	}
	if err := json.Unmarshal([]byte(`"123"`), &c); err == nil {
		t.Error("three digits were taken for a code")
	}
}
