package phone_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/holder/phone"
	"tegata/issuer/status"
)

func TestAPhoneIsGivenUpByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	pair := w.pairOf(p)
	s := w.screen(t)
	s.open("/p/a/certificates")
	s.at("/p/a/certificates", "スマホを手放す・機種変更", `href="/p/a/hand-over"`)
	s.open("/p/a/hand-over")
	s.at("/p/a/hand-over", "売る・譲る・下取りに出す", "新しいスマホに替える", "修理に出す", "捨てる")
	s.open("/p/a/hand-over/repair")
	s.at("/p/a/hand-over/repair", "止めておく（一時停止）", "30日たつと失効します", "消して渡す（失効）", `href="/p/a/lost/card"`, `href="/p/a/hand-over/give"`)
	s.open("/p/a/hand-over/change")
	s.at("/p/a/hand-over/change", "先に新しいスマホで申請してください。", "2台が同時に使えることも、どちらも使えないこともありません。")
	s.open("/p/a/hand-over/nonsense")
	s.at("/p/a/hand-over")
	s.open("/p/a/hand-over/give")
	s.at("/p/a/hand-over/give", "売る・譲る前に", "発行者で失効させます", "失効証明（QRコード）を表示します。")
	s.press("/hand-over/give", nil)
	s.at("/p/a/hand-over/give", "印を付けてください。")
	if got := w.ledgerSays(pair); got != status.Good {
		t.Fatalf("not agreed to, and the pair is %s", got)
	}
	address, twice := s.sent("/hand-over/give", typed("sure", "yes"))
	s.press("/hand-over/give", typed("sure", "yes"))
	s.at("/p/a/stopped", "利用を終わりました", p.Element().Tag(), "失効証明の番号")
	s.take(s.client.PostForm(address, twice)) // pressed twice
	s.at("/p/a/stopped", "利用を終わりました")
	if got := w.ledgerSays(pair); got != status.Revoked || p.Element().HasKeys() {
		t.Errorf("given up, and the pair is %s", got)
	}
	s.open("/p/a/")
	s.at("/p/a/", p.Element().Tag())
}

func TestAPhoneWithoutALineByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	pair := w.pairOf(p)
	s := w.screen(t)
	w.network(p, false)
	s.open("/p/a/hand-over/give")
	s.at("/p/a/hand-over/give", "スマホがネットワークにつながっていません。")
	s.press("/hand-over/give", typed("sure", "yes"))
	s.at("/p/a/hand-over/force", "失効を確かめられませんでした", "番号： no-network", "失効したとは、まだ言えません。", "失効証明は、届け出が届くまで出ません。")
	s.press("/hand-over/force", nil)
	s.at("/p/a/hand-over/force", "消すときは、下の「分かりました」に印を付けてください。")
	if !p.Element().HasKeys() {
		t.Fatal("wiped without a word")
	}
	s.press("/hand-over/force", typed("sure", "yes"))
	s.at("/p/a/stopped", "鍵は消しました。失効はまだです", "電子証明書は、まだ失効していません。", "カードで止められます")
	if strings.Contains(s.body, "<svg class=\"qr") || w.ledgerSays(pair) != status.Good {
		t.Error("it looks as if it were revoked")
	}
	s.press("/stopped", nil)
	s.at("/p/a/stopped", "番号： not-revoked-yet")
	s.open("/p/a/")
	s.at("/p/a/", "電子証明書は、まだ失効していません。")
	s.open("/p/a/history")
	s.at("/p/a/history", "利用停止", "途中")
	w.network(p, true)
	s.open("/p/a/stopped")
	s.press("/stopped", nil)
	s.at("/p/a/stopped", "利用を終わりました", p.Element().Tag())
	if got := w.ledgerSays(pair); got != status.Revoked {
		t.Errorf("told, and the pair is %s", got)
	}
	s.open("/p/a/")
	if strings.Contains(s.body, "まだ失効していません") {
		t.Error("told, and the first screen does not know")
	}
}

// An issuer that does not answer is a line that is missing.
func TestAnIssuerThatIsAwayByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	s := w.screen(t)
	w.cut(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/revocations" {
			http.Error(rw, "", http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	s.open("/p/a/stop")
	s.at("/p/a/stop", "利用をやめる")
	s.press("/stop", typed("sure", "yes"))
	s.at("/p/a/hand-over/force", "失効を確かめられませんでした")
	w.cut(nil)
	s.open("/p/a/hand-over/give") // once more, and it is there again
	s.press("/hand-over/give", typed("sure", "yes"))
	s.at("/p/a/stopped", "利用を終わりました")
	if p.Element().HasKeys() {
		t.Error("not wiped")
	}
}

func TestANewPhoneTakesOverByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	c, old := w.hanako(), w.phone("old")
	w.enrol(c, old)
	w.enrol(c, w.phone("next"))
	w.now = w.now.Add(time.Minute)
	s := w.screen(t)
	s.open("/p/old/")
	s.at("/p/old/", "新しいスマホに替わったので、このスマホの電子証明書は終わりました。", "鍵を消して、失効証明をもらう")
	s.open("/p/old/certificate")
	s.at("/p/old/certificate", "新しいスマホが登録されたため、終わりました。", "失効")
	s.open("/p/old/hand-over/give")
	s.press("/hand-over/give", typed("sure", "yes"))
	s.at("/p/old/stopped", "利用を終わりました", old.Element().Tag())
	if old.Element().HasKeys() {
		t.Error("the old phone is not wiped")
	}
	s.open("/p/next/")
	s.at("/p/next/", "使えます")
	s.open("/p/next/certificate")
	s.at("/p/next/certificate", "入っている内容", "手形　花子", "名前や住所は入っていません。")
}

// The phone is off, or gone: its owner's card revokes it on another, and leaves nothing
// there.
func TestAPhoneIsRevokedByItsCardOnAnother(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	pair := w.pairOf(p)
	off := false
	w.must(p.Set(t.Context(), phone.Change{Power: &off}))
	borrowed := w.phone("b")
	s := w.screen(t)
	s.open("/p/b/certificates")
	s.at("/p/b/certificates", "スマホを手放す・機種変更")
	s.open("/p/b/hand-over")
	s.at("/p/b/hand-over", "手放すスマホが手元にない・電源が入らない")
	s.open("/p/b/hand-over/card")
	s.press("/hand-over/card", typed("pin", cardPIN))
	s.at("/p/b/hand-over/card", "印を付けてください。") // nothing irreversible without a word
	s.press("/hand-over/card", typed("pin", cardPIN, "sure", "yes"))
	s.at("/p/b/hand-over/card/tap", "2 / 2")
	s.open("/p/b/lost/card/tap") // what was typed to revoke serves nothing else
	s.at("/p/b/lost/card")
	w.hold(c, borrowed)
	waitFor(t, borrowed.Tapped)
	s.open("/p/b/hand-over/card/tap")
	s.press("/hand-over/card/read", nil)
	s.at("/p/b/hand-over/card/done", "失効させました", p.Element().Tag(), "失効証明の番号")
	if got := w.ledgerSays(pair); got != status.Revoked {
		t.Errorf("the pair is %s", got)
	}
	if l, err := borrowed.Look(t.Context()); err != nil || l.Receipt != nil || l.Holder != "" {
		t.Errorf("something stayed on the borrowed phone: %+v, %v", l, err)
	}
	if strings.Contains(s.seen.String(), `value="`+cardPIN) {
		t.Error("the card's PIN came back")
	}
}
