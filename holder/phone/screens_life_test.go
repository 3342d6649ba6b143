package phone_test

import (
	"strings"
	"testing"
	"time"
)

// lostPhone is a registered phone that its lock code has stopped.
func lostPhone(t *testing.T) (*screen, func()) {
	t.Helper()
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	lock := w.enrol(c, p)
	w.now = w.now.Add(time.Hour)
	w.suspend(lock)
	return w.screen(t), func() { w.hold(c, p); waitFor(t, p.Tapped) }
}

func TestAFoundPhoneByTheScreensAlone(t *testing.T) {
	s, hold := lostPhone(t)
	s.open("/p/a/")
	s.at("/p/a/", "一時停止中", "紛失の届け出", "見つかったとき")
	s.open("/p/a/found/tap") // out of order
	s.at("/p/a/found", "止めたとき", "止める前の24時間", "登録", "1 / 2")
	s.press("/found", typed("pin", "12"))
	s.at("/p/a/found", "番号： secret-form")
	s.press("/found", typed("pin", "9999"))
	s.at("/p/a/found/tap", "2 / 2", "カードを待っています")
	s.take(s.client.PostForm(s.base+"/p/a/found/read", nil))
	s.at("/p/a/found/tap", "カードがかざされていません。")
	s.open("/p/a/lost/card/tap") // typed for one thing, it serves no other
	s.at("/p/a/lost/card")
	hold()
	s.open("/p/a/found/tap")
	address, twice := s.sent("/found/read", nil)
	s.press("/found/read", nil)
	s.at("/p/a/found", "あと2回入力できます", "番号： wrong-card-pin")
	s.take(s.client.PostForm(address, twice)) // pressed twice: the card is not asked a second time
	s.at("/p/a/found", "あと2回入力できます")
	s.press("/found", typed("pin", "１３５７"))
	s.press("/found/read", nil)
	s.at("/p/a/", "スマホが元に戻りました。", "署名用を新しくする")
	s.open("/p/a/found") // nothing to bring back any more
	s.at("/p/a/certificate", "一時停止していたスマホが見つかった")
	s.open("/p/a/history")
	s.at("/p/a/history", "カードで元に戻しました", "wrong-card-pin")

	s.open("/p/a/reissue/password") // out of order
	s.at("/p/a/reissue/card-password", "1 / 4", "署名用の電子証明書は使えなくなっています。")
	s.press("/reissue/card-password", typed("password", "WRONG123"))
	s.press("/reissue/terms", nil)
	s.at("/p/a/reissue/tap", "3 / 4")
	s.press("/reissue/apply", nil)
	s.at("/p/a/reissue/card-password", "あと4回入力できます", "番号： wrong-card-password")
	s.press("/reissue/card-password", typed("password", cardPassword))
	s.at("/p/a/reissue/tap")
	s.press("/reissue/apply", nil)
	s.at("/p/a/reissue/password", "4 / 4")
	s.open("/p/a/") // left, and come back to
	s.at("/p/a/", "利用申請の途中です")
	s.open("/p/a/enrol")
	s.at("/p/a/enrol", "4 / 4")
	s.press("/enrol/resume", nil)
	s.at("/p/a/reissue/password")
	s.press("/reissue/password", typed("password", cardPassword, "again", cardPassword))
	s.at("/p/a/reissue/password", "カードと同じパスワードは使えません。")
	s.press("/reissue/password", typed("password", "NEWWORD77", "again", "NEWWORD77"))
	s.at("/p/a/", "署名用の電子証明書が新しくなりました。")
	s.open("/p/a/reissue/card-password") // nothing to apply for any more
	s.at("/p/a/certificate", "使えます")
	if n := strings.Count(s.body, "使えます"); n < 2 {
		t.Errorf("%d certificates work", n)
	}
	for _, canary := range []string{"WRONG123", cardPassword, "NEWWORD77", `value="9999`, `value="` + cardPIN} {
		if strings.Contains(s.seen.String(), canary) {
			t.Errorf("a secret came back: %s", canary)
		}
	}
}

func TestAPhoneIsStoppedByItsCardOnAnother(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	borrowed := w.phone("b")
	s := w.screen(t)
	s.open("/p/b/lost")
	s.at("/p/b/lost", "カードを使って止める")
	s.open("/p/b/lost/card")
	s.press("/lost/card", typed("pin", cardPIN))
	s.at("/p/b/lost/card/tap", "2 / 2")
	w.hold(c, borrowed)
	waitFor(t, borrowed.Tapped)
	s.open("/p/b/lost/card/tap")
	s.press("/lost/card/read", nil)
	s.at("/p/b/", "スマホの電子証明書を止めました。", "まだ電子証明書がありません")
	s.open("/p/a/")
	s.at("/p/a/", "一時停止中", "紛失の届け出")
	if strings.Contains(s.seen.String(), `value="`+cardPIN) {
		t.Error("the card's PIN came back")
	}
}
