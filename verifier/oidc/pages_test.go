package oidc

import (
	"io/fs"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
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
	bank := shownClient{"bank", ui.Text{JA: "手形銀行", EN: "Tegata Bank"}, ui.Text{JA: "口座の画面にログインします。", EN: "Log in to your account."}}
	until := time.Date(2026, 11, 28, 9, 5, 0, 0, time.UTC)
	out := []uitest.Page{
		page("01-choose", "choose", choosePage{id, bank, ceremony.AttributeClaims(), true}), page("02-choose-nothing", "choose", choosePage{ID: id, Client: bank}),
		page("03-phone", "phone", phonePage{id, link}), page("04-wait", "wait", waitPage{id, ceremony.StateWaiting, "64", link, until, ""}),
		page("05-opened", "wait", waitPage{id, ceremony.StateOpened, "64", link, until, ""}), page("06-done", "done", donePage{bank, "http://bank.localhost:8410/callback?code=x"}),
		page("07-bye", "bye", byePage{&bank, "http://bank.localhost:8410/"}), page("08-bye-none", "bye", byePage{}), page("09-about", "about", struct{}{}),
	}
	for _, err := range []*problem.Problem{ErrRequest, ErrClientUnknown, ErrLoginOver, ErrOtherBrowser, ErrLogoutRequest, gateway.ErrHeld, errNoPage} {
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
