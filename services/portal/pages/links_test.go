package pages

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
	"tegata/services/portal"
)

func linkSamples() []uitest.Page {
	page := func(name, file string, data any) uitest.Page {
		return uitest.Page{Name: name, Screen: ui.Screen{Page: file, Data: data}}
	}
	at := func(d time.Duration) int64 { return moment().Add(d).Unix() }
	bank := ceremony.Link{ID: "bank", Name: ceremony.Text{JA: "手形銀行", EN: "Tegata Bank"}, Mark: "bank", Since: at(-3 * time.Hour), Used: at(-time.Minute), Until: at(9 * time.Hour), Claims: []string{"name", "address", "birthdate", "gender"}}
	shop := ceremony.Link{ID: "shop", Name: ceremony.Text{JA: "青葉書店", EN: "Aoba Books"}, Mark: "本", Since: at(-2 * time.Hour), Used: at(-2 * time.Hour), Until: at(10 * time.Hour)}
	var past []ceremony.Link
	for i, why := range []ceremony.LinkEnd{ceremony.EndedByHolder, ceremony.EndedByParty, ceremony.EndedByCertificate, ceremony.EndedByMisuse, "of tomorrow"} {
		l := bank
		l.ID, l.Ended, l.Why = string(why), at(-time.Duration(i)*time.Minute), why
		past = append(past, l)
	}
	ended := portal.Use{At: moment().Unix(), Party: "bank", Name: bank.Name, Purpose: ceremony.Text{JA: "このサービスとの連携を終わらせました。", EN: "You ended the link with this service."},
		Kind: ceremony.UseEnd, Verdict: ceremony.Passed, Category: ceremony.Private}
	history := sampleHome()
	history.Snapshot.Uses = append([]portal.Use{ended}, history.Snapshot.Uses...)
	return []uitest.Page{
		page("60-links", "links", linksOf(ceremony.Links{Links: append([]ceremony.Link{bank, shop}, past...)}, map[string][]byte{"bank": []byte("a picture")}, "")), page("61-links-none", "links", linksPage{}),
		page("62-link-ended", "links", linksOf(ceremony.Links{Links: past[:1]}, nil, "holder")),
		page("63-use-end", "use", usePage{Use: useOf(ended), AsOf: moment()}), page("64-uses-end", "uses", pageOf(history, moment())),
	}
}

// Who has what since when is said in words, and each has one button without a field.
func TestLinkedServicesInWords(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Says(t, site, linkSamples(), "60-links", map[ui.Lang][]string{
		ui.JA: {"手形銀行", `<img class="mark" src="data:image/png;base64,YSBwaWN0dXJl" alt=""><span>手形銀行`, ">本<", "名前・住所・生年月日・性別", "青葉書店", "情報は渡していません（番号だけ）", `<form method="post" action="/links/bank/end"><div class="actions"><button`,
			"あなたが終わらせました。", "スマホの証明書が止まったため", "同じ鍵が二度使われた", "そのサービスでログアウトしました。"},
		ui.EN: {"Tegata Bank", "Name・Address・Birth date・Sex", "Ended by you."},
	})
	uitest.Says(t, site, linkSamples(), "61-links-none", map[ui.Lang][]string{ui.JA: {"連携中のサービスはありません。"}})
	uitest.Says(t, site, linkSamples(), "62-link-ended", map[ui.Lang][]string{ui.JA: {"手形銀行との連携を終わらせました。"}, ui.EN: {"The link with Tegata Bank has ended."}})
	uitest.Says(t, site, linkSamples(), "63-use-end", map[ui.Lang][]string{ui.JA: {"手形銀行「このサービスとの連携を終わらせました。」", "あなたが終わらせました", "連携の終わり"}})
	uitest.Says(t, site, linkSamples(), "64-uses-end", map[ui.Lang][]string{ui.JA: {"あなたが終わらせました"}, ui.EN: {"Ended by you"}})
}

// linking is a portal with one link.
type linking struct {
	Portal
	ended []string
}

func (p *linking) SessionOf(context.Context, string) (portal.Session, portal.Account, error) {
	return portal.Session{}, portal.Account{}, nil
}

func (p *linking) LinksOf(context.Context, string) (ceremony.Links, error) {
	return ceremony.Links{Links: []ceremony.Link{{ID: "bank", Name: ceremony.Text{JA: "手形銀行", EN: "Tegata Bank"}, Since: 1, Ended: int64(len(p.ended))}}}, nil
}

func (p *linking) Logos(context.Context, []ceremony.Link) map[string][]byte { return nil }

func (p *linking) EndLink(_ context.Context, _, id string) error {
	p.ended = append(p.ended, id)
	return nil
}

func TestEndingALinkIsOnePress(t *testing.T) {
	p := &linking{}
	h, err := New(Options{Portal: p, Now: moment})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string) *http.Response {
		w := httptest.NewRecorder()
		h.Routes().ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Result()
	}
	if r := ask("GET", "/links"); r.StatusCode != http.StatusOK {
		t.Errorf("%d", r.StatusCode)
	}
	if ask("GET", "/links/bank/end"); len(p.ended) != 0 {
		t.Error("looking ended it")
	}
	r := ask("POST", "/links/bank/end")
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/links?ended=bank" || len(p.ended) != 1 || p.ended[0] != "bank" {
		t.Errorf("%d to %q, ended %v", r.StatusCode, r.Header.Get("Location"), p.ended)
	}
}
