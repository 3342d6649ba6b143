package pages

import (
	"testing"
	"time"

	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
	"tegata/services/portal"
)

// revoke ends one of the certificates of a home, an hour ago.
func revoke(h *portal.Home, i, reason int) {
	since := moment().Add(-time.Hour)
	c := &h.Snapshot.Certificates[i]
	c.State, c.Reason, c.Since = "revoked", &reason, &since
}

// What to do about a signature certificate that has ended depends on what else is good, and
// says why it ended as the issuer does: nobody is sent to the desk for a card that is good.
func TestWhatToDoAboutASignatureCertificateThatHasEnded(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	const phoneAuth, phoneSign, cardSign, older = 0, 1, 3, 4
	for name, c := range map[string]struct {
		ends  map[int]int // with reasons
		todo  string
		says  []string
		never string
	}{
		"found":                      {map[int]int{phoneSign: 4}, "sign-again", []string{"「署名用を新しくする」", "一時停止していたスマホが見つかった", "令和8年11月22日（2026-11-22） 08:41 に失効しました"}, "役所の窓口でカードを"},
		"moved":                      {map[int]int{phoneSign: 3, cardSign: 3}, "revoked", []string{"役所の窓口", "住所や氏名などが変わった"}, ""},
		"stopped":                    {map[int]int{phoneSign: 5, phoneAuth: 5}, "again", []string{"すべて失効しています", "使うのをやめた"}, "署名用を新しくする"},
		"copied":                     {map[int]int{phoneSign: 1, phoneAuth: 1}, "again", []string{"同じ鍵を持つ端末が2つ"}, "役所の窓口でカードを"},
		"new since":                  {map[int]int{older: 4}, "", []string{"新しいものに替わった"}, "署名用を新しくする"},
		"a reason that nobody knows": {map[int]int{phoneSign: 10}, "sign-again", []string{"理由は、証明書の記録にありません"}, ""},
	} {
		home := sampleHome() // the newest comes first
		home.Snapshot.Certificates = append(home.Snapshot.Certificates, home.Snapshot.Certificates[phoneSign])
		for i, reason := range c.ends {
			revoke(&home, i, reason)
		}
		data, todo := pageOf(home, moment()), ""
		for _, d := range data.Todo {
			todo += d.Code
		}
		if todo != c.todo {
			t.Errorf("%s: to do %q", name, todo)
		}
		pages := []uitest.Page{{Name: "home", Screen: ui.Screen{Page: "home", Data: data}}}
		uitest.Says(t, site, pages, "home", map[ui.Lang][]string{ui.JA: c.says})
		if c.never != "" && uitest.Has(t, site, pages, "home", ui.JA, c.never) {
			t.Errorf("%s: says %q", name, c.never)
		}
	}
}

// What a certificate contains is told for each that can be used.
func TestTheContentOfEachCertificateIsTold(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Says(t, site, samples(), "10-home", map[ui.Lang][]string{ui.JA: {"氏名・住所・生年月日・性別が入っています", "氏名や住所は入っていません"}, ui.EN: {"only a number"}})
}
