package pages

import (
	"testing"

	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
	"tegata/services/portal"
)

// Who is sent to the municipal office, and who to the phone with the card, is decided by
// the card's certificate and not by why the phone's ended.
func TestWhatAnEndedCertificateAsksOfThePerson(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	const found, moved, stopped = 4, 3, 5
	cert := func(kind, state string, reason int) portal.Certificate {
		c := portal.Certificate{Kind: kind, State: state, NotAfter: moment().AddDate(4, 0, 0)}
		if state == "revoked" {
			c.Reason = &reason
		}
		return c
	}
	good := func(kind string) portal.Certificate { return cert(kind, "good", 0) }
	const phone, desk = "スマホの「署名用を新しくする」を開いて", "市区町村の窓口で新しくしてください"
	for name, c := range map[string]struct {
		certificates []portal.Certificate // newest first
		todo         string               // "" is none
		says         []string
		not          []string
	}{
		"nothing ended":    {[]portal.Certificate{good("phone-auth"), good("phone-sign"), good("card-sign")}, "", []string{"いま、やることはありません"}, []string{phone, desk}},
		"the phone, found": {[]portal.Certificate{good("phone-auth"), cert("phone-sign", "revoked", found), good("card-sign")}, "reissue", []string{phone, "見つかったスマホ"}, []string{desk, "引っ越し", "住所や氏名"}},
		"moved, and the card renewed": {[]portal.Certificate{good("card-sign"), good("phone-auth"), cert("phone-sign", "revoked", moved), cert("card-sign", "revoked", moved)}, "reissue",
			[]string{phone, "住所や氏名など、登録の内容が変わったため"}, []string{desk}},
		"moved":                       {[]portal.Certificate{good("phone-auth"), cert("phone-sign", "revoked", moved), cert("card-sign", "revoked", moved)}, "desk", []string{desk, "住所や氏名など"}, nil},
		"reissued since":              {[]portal.Certificate{good("phone-sign"), good("phone-auth"), cert("phone-sign", "revoked", found), good("card-sign")}, "", []string{"やることはありません"}, []string{"失効しました"}},
		"a new phone waits":           {[]portal.Certificate{cert("phone-sign", "held", 0), cert("phone-auth", "held", 0), good("phone-sign"), good("phone-auth"), good("card-sign")}, "held", nil, []string{"失効しました"}},
		"stopped":                     {[]portal.Certificate{cert("phone-auth", "revoked", stopped), cert("phone-sign", "revoked", stopped), good("card-sign")}, "ended", []string{"使うのをやめた", "利用申請をしてください"}, []string{phone}},
		"lost, and its holder moved":  {[]portal.Certificate{cert("phone-auth", "held", 0), cert("phone-sign", "revoked", moved), good("card-sign")}, "held", nil, []string{phone, desk}},
		"the issuer does not say why": {[]portal.Certificate{good("phone-auth"), {Kind: "phone-sign", State: "revoked"}, good("card-sign")}, "reissue", []string{phone}, []string{"理由："}},
	} {
		home := sampleHome()
		home.Snapshot.Certificates = c.certificates
		p := pageOf(home, moment())
		got := ""
		if len(p.Todo) > 0 {
			got = p.Todo[0].Code
		}
		if got != c.todo || len(p.Todo) > 1 {
			t.Errorf("%s: todo %+v, want %q alone", name, p.Todo, c.todo)
		}
		pages := []uitest.Page{{Name: name, Screen: ui.Screen{Page: "home", Data: p}}}
		uitest.Says(t, site, pages, name, map[ui.Lang][]string{ui.JA: c.says})
		for _, s := range c.not {
			if uitest.Has(t, site, pages, name, ui.JA, s) {
				t.Errorf("%s: the page says %q", name, s)
			}
		}
	}
}

// Both certificates are told in words: what is in them, since when they stand so, and why.
func TestWhatIsInACertificateIsSaidInWords(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	home, since, moved := sampleHome(), moment().AddDate(0, 0, -2), 3
	home.Snapshot.Certificates = append(home.Snapshot.Certificates, portal.Certificate{Kind: "phone-sign", Serial: "77aa", State: "revoked", Reason: &moved, Since: &since})
	pages := []uitest.Page{{Name: "c", Screen: ui.Screen{Page: "certificates", Data: pageOf(home, moment())}}}
	uitest.Says(t, site, pages, "c", map[ui.Lang][]string{
		ui.JA: {"氏名・住所・生年月日・性別が入っています", "名前や住所は入っていません。番号だけです", "6f1c27a09b3de5840112", "前に使っていた電子証明書", "77aa", "登録の内容が変わったため", ui.DateTime(ui.JA, since)},
		ui.EN: {"name, address, birth date and sex", "Neither name nor address", "Certificates that you used before", "another registered detail changed"},
	})
}
