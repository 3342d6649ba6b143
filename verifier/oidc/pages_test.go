package oidc

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
	"tegata/verifier/gateway"
)

func TestEveryWordIsThereInBothLanguages(t *testing.T) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		t.Fatal(err)
	}
	uitest.Words(t, html, ".")
}

func samples() []uitest.Page {
	page := func(name, file string, data any) uitest.Page {
		return uitest.Page{Name: name, Screen: ui.Screen{Page: file, Data: data}}
	}
	id, link := "pTz7Jq0c5Zf1k2wYdWmX3A", "http://phone.localhost:8403/open?request_uri=http%3A%2F%2F127.0.0.1%3A8402%2Fr%2FpTz7Jq0c5Zf1k2wYdWmX3A"
	bank := shownClient{"bank", "", ui.Text{JA: "手形銀行", EN: "Tegata Bank"}, ui.Text{JA: "口座の画面にログインします。", EN: "Log in to your account."}}
	until := time.Date(2026, 11, 28, 9, 5, 0, 0, time.UTC)
	out := []uitest.Page{
		page("01-choose", "choose", choosePage{ID: id, Client: bank, Data: ceremony.AttributeClaims(), Other: true}), page("02-choose-nothing", "choose", choosePage{ID: id, Client: bank}),
		page("03-phone", "phone", phonePage{id, link}), page("04-wait", "wait", waitPage{id, ceremony.StateWaiting, "64", link, until, true, ""}),
		page("05-opened", "wait", waitPage{id, ceremony.StateOpened, "64", link, until, false, ""}), page("06-done", "done", donePage{bank, "http://bank.localhost:8410/callback?code=x"}),
		page("07-bye", "bye", byePage{&bank, "http://bank.localhost:8410/"}), page("08-bye-none", "bye", byePage{}), page("09-about", "about", struct{}{}),
		page("10-choose-sign", "choose", choosePage{ID: id, Client: bank, Documents: []string{"口座開設申込書.pdf"}, Password: true, Other: true}),
		page("11-choose-sign-several", "choose", choosePage{ID: id, Client: bank, Documents: []string{"口座開設申込書.pdf", "約款.txt", "申告.xml"}, Password: true, Other: true}),
	}
	c := Client{ID: "dev-abcdefghijkl", Name: ceremony.Text{JA: "青葉書店", EN: "Aoba Books"}, Profile: Basic, Authentication: SecretBasic,
		RedirectURIs: []string{"http://127.0.0.1:9000/callback"}, Purpose: ceremony.RegisteredPurpose{Code: "login", RiskFloor: ceremony.R1, Claims: []string{"name"},
			Sentence: ceremony.Text{JA: "注文を見ます。", EN: "See your orders."}}}
	sandbox, production := &Provider{c: Config{Sandbox: true}}, &Provider{}
	form := sandbox.formOf(c, "")
	wrong := form
	wrong.Why = ui.Text{JA: "ログインの目的（英語） が空です。", EN: "the purpose in English is empty"}
	traffic := []Traffic{{c.ID, pathToken, 401, "invalid_client", "secret", "5f3a", until}, {c.ID, pathAuthorize, 303, "", "", "5f39", until}}
	logo := ui.PNG([]byte("picture"))
	out = append(out, page("30-developers", "developers", developersPage{true, "http://127.0.0.1:8402", c.ID}), page("31-production", "developers", developersPage{Issuer: "https://verifier.example"}),
		page("32-new", "newclient", newClientPage{Form: form, Sandbox: true}), page("33-new-wrong", "newclient", newClientPage{Form: wrong, Sandbox: true}),
		page("34-registered", "newclient", newClientPage{Done: registered{c.ID, "SECRET", "TOKEN"}, Sandbox: true}),
		page("35-client", "client", clientPage{charge: charge{Held: Held{ID: c.ID, Registered: &c}}, Sandbox: true, Client: c, Logo: logo, Name: ui.Text(c.Name), Issuer: "http://127.0.0.1:8402", Token: "TOKEN", Form: form, Secret: "SECRET", Saved: true, Traffic: traffic, QuickStarts: quickStarts("http://127.0.0.1:8402", c)}),
		page("36-client-new", "client", clientPage{charge: charge{Held: Held{ID: c.ID, Registered: &c}}, Sandbox: true, Client: c, Name: ui.Text(c.Name), Token: "TOKEN", Form: form, LogoWhy: wrong.Why}),
		page("37-apply", "newclient", newClientPage{Form: production.formOf(c, "dev@example.com")}), page("38-applied", "newclient", newClientPage{Done: registered{c.ID, "SECRET", "TOKEN"}}),
		page("11-choose-logo", "choose", choosePage{ID: id, Client: shownClient{"bank", logo, bank.Name, bank.Sentence}}))
	for i, state := range []string{Applied, Refused, Ended, Approved} {
		held := Held{ID: c.ID, Registered: &c, Application: &Application{Client: c, State: state, Why: "名前が別の会社のものと紛らわしい。", At: until}}
		out = append(out, page(fmt.Sprintf("4%d-%s-change", i, state), "client", clientPage{charge: charge{Held: held}, State: state, Until: until, Client: c, Name: ui.Text(c.Name), Token: "TOKEN", Form: form, Saved: true}))
		held.Registered = nil
		out = append(out, page(fmt.Sprintf("5%d-%s", i, state), "client", clientPage{charge: charge{Held: held}, State: state, Until: until, Client: c, Name: ui.Text(c.Name), Token: "TOKEN", Form: form}))
	}
	for _, err := range []*problem.Problem{ErrManagement, ErrClientOver, ErrManyApplications, ErrClientWaiting, ErrRequest, ErrClientUnknown, ErrLoginOver, ErrOtherBrowser, ErrLogoutRequest, ErrTooManyAsks, ErrTooManyVisits, gateway.ErrHeld, errNoPage} {
		trouble := ui.TroubleOf(nil, err).With(ui.Text{}, ui.Action{Label: "もう一度ためす", URL: "/login/" + id})
		out = append(out, page("20-"+err.Code, "trouble", ui.TroublePage{Trouble: trouble, More: []ui.Action{{Label: "断る", URL: "/login/" + id + "/refuse", Post: true}}}))
	}
	return out
}

func TestEveryPageRendersInBothLanguages(t *testing.T) {
	site, err := newSite(Config{Name: ui.Text{JA: "手形ログイン", EN: "Tegata Login"}, Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Pages(t, site, samples())
}

func TestPreview(t *testing.T) {
	site, err := newSite(Config{Name: ui.Text{JA: "手形ログイン", EN: "Tegata Login"}, Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Preview(t, site, samples())
}

// Residents who answer by themselves are a sandbox's alone.
func TestProductionHasNobodyWhoAnswersByThemselves(t *testing.T) {
	key, err := secret.P256()
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Issuer: "https://verifier.example", Pages: "https://verifier.example", Party: "openid", Verifier: "verifier", Phone: "https://phone.example",
		Signer: key, Chain: []*x509.Certificate{{}}, Key: func(string) (crypto.Signer, error) { return key, nil },
		Gateway: (*gateway.Gateway)(nil), Store: struct{ Store }{}, Now: time.Now, Residents: "http://street.localhost:8400/residents"}
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "sandbox's") {
		t.Errorf("%v", err)
	}
	c.Residents = ""
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	p.Pages().ServeHTTP(w, httptest.NewRequest("GET", "/developers/new", nil))
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "127.0.0.1") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}
