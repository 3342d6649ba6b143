package phone_test

import (
	"fmt"
	"strings"
	"testing"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/pki"
)

func (w *town) opens(p *phone.Phone, u element.Unlock) bool {
	w.t.Helper()
	s, err := p.Element().Unlock(u)
	if err == nil {
		s.Close()
	}
	return err == nil
}

func TestSecretsAreChangedByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	s := w.screen(t)
	s.open("/p/a/secrets")
	s.at("/p/a/secrets", "このスマホには、使える電子証明書がありません。")
	w.enrol(c, p)
	s.open("/p/a/certificates")
	s.at("/p/a/certificates", "暗証番号とパスワード")
	s.open("/p/a/secrets")
	s.at("/p/a/secrets", "あと3回入力できます", "あと5回入力できます", "暗証番号（4けた）を忘れた", "署名用パスワードを忘れた")

	s.open("/p/a/change-pin")
	s.at("/p/a/change-pin", "いまの暗証番号", "あと3回入力できます")
	for _, k := range []struct{ old, pin, again, says string }{
		{"12", "7391", "7391", "4けたの数字を入力してください。"},
		{phonePIN, "0000", "0000", "同じ文字だけのものは当てられやすい"},
		{phonePIN, "0217", "0217", "誕生日は当てられやすい"}, // born on 17 February
		{phonePIN, "7391", "7319", "2回の入力が違います。"},
		{phonePIN, phonePIN, phonePIN, "番号： secret-unchanged"},
	} {
		s.press("/change-pin", typed("old", k.old, "pin", k.pin, "again", k.again))
		s.at("/p/a/change-pin", k.says, "あと3回入力できます") // nothing was compared
	}
	s.press("/change-pin", typed("old", "9999", "pin", "7391", "again", "7391"))
	s.at("/p/a/change-pin", "スマホの暗証番号（4けた）が違います。", "あと2回入力できます", "番号： wrong-phone-pin")
	address, twice := s.sent("/change-pin", typed("old", phonePIN, "pin", "7391", "again", "7391"))
	s.press("/change-pin", typed("old", phonePIN, "pin", "7391", "again", "7391"))
	s.at("/p/a/", "暗証番号を変えました。")
	s.take(s.client.PostForm(address, twice)) // pressed twice: nothing is compared a second time
	s.at("/p/a/", "暗証番号を変えました。")
	if w.opens(p, element.Unlock{PIN: pin(t, phonePIN)}) || !w.opens(p, element.Unlock{PIN: pin(t, "7391")}) {
		t.Error("the PIN is not the new one")
	}

	s.open("/p/a/change-password")
	s.at("/p/a/change-password", "いまの署名用パスワード", "あと5回入力できます")
	s.press("/change-password", typed("old", "NOTMINE9", "password", "NEWWORD77", "again", "NEWWORD77"))
	s.at("/p/a/change-password", "スマホの署名用パスワードが違います。", "あと4回入力できます")
	s.press("/change-password", typed("old", phonePassword, "password", "ABCDEFGH", "again", "ABCDEFGH"))
	s.at("/p/a/change-password", "並んだものは当てられやすい", "あと4回入力できます")
	s.press("/change-password", typed("old", phonePassword, "password", "NEWWORD77", "again", "NEWWORD77"))
	s.at("/p/a/", "署名用パスワードを変えました。")
	if w.opens(p, element.Unlock{Password: password(t, phonePassword)}) || !w.opens(p, element.Unlock{Password: password(t, "NEWWORD77")}) {
		t.Error("the password is not the new one")
	}

	for range 3 {
		w.opens(p, element.Unlock{PIN: pin(t, "9999")})
	}
	s.open("/p/a/secrets")
	s.at("/p/a/secrets", "ロックされています")
	if strings.Contains(s.body, "/p/a/change-pin") {
		t.Error("a blocked PIN is offered to be changed by itself")
	}
	s.open("/p/a/reset-pin")
	s.press("/reset-pin", typed("password", "NEWWORD77", "pin", "5180", "again", "5180"))
	s.at("/p/a/", "暗証番号を変えました。")
	if !w.opens(p, element.Unlock{PIN: pin(t, "5180")}) {
		t.Error("the PIN was not set anew")
	}
	s.open("/p/a/history")
	s.at("/p/a/history", "暗証番号の変更", "署名用パスワードの変更", "暗証番号の決め直し", "wrong-phone-pin")
	for _, canary := range []string{"NOTMINE9", phonePassword, "NEWWORD77", "ABCDEFGH", `value="` + phonePIN, `value="7391`, `value="5180`, `value="9999`} {
		if strings.Contains(s.seen.String(), canary) {
			t.Errorf("a secret came back: %s", canary)
		}
	}
}

// Who forgot the signature password, or blocked it, gets another certificate with the
// card, and with its new password a new PIN.
func TestAForgottenPasswordByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	s := w.screen(t)
	for range 5 {
		w.opens(p, element.Unlock{Password: password(t, "NOTMINE9")})
	}
	for range 3 {
		w.opens(p, element.Unlock{PIN: pin(t, "9999")})
	}
	auth, _ := p.Element().Certificate(pki.PhoneAuth)
	old, _ := p.Element().Certificate(pki.PhoneSign)
	s.open("/p/a/reset-pin")
	s.at("/p/a/reset-pin", "先に、カードで署名用パスワードを新しくします。", `href="/p/a/forgot"`)
	if strings.Contains(s.body, "<form method=\"post\" action=\"/p/a/reset-pin\"") {
		t.Error("a blocked password is asked for")
	}
	s.open("/p/a/forgot")
	s.at("/p/a/forgot", "用意するもの", "いまの署名用の電子証明書は、新しいものができたときに使えなくなります。")
	s.open("/p/a/forgot/tap") // out of order
	s.at("/p/a/forgot/card-password", "1 / 4", "かざしてあると、あと何回入力できるか")
	away := w.hold(c, p)
	waitFor(t, p.Tapped)
	s.open("/p/a/forgot/card-password")
	s.at("/p/a/forgot/card-password", "あと5回入力できます")
	s.press("/forgot/card-password", typed("password", "WRONG123"))
	s.press("/forgot/terms", nil)
	s.at("/p/a/forgot/tap", "3 / 4", "このカードは、あと5回まちがえられます。")
	for left := 4; left >= 1; left-- {
		s.press("/forgot/apply", nil)
		s.at("/p/a/forgot/card-password", fmt.Sprintf("あと%d回入力できます", left), "番号： wrong-card-password")
		if left == 1 {
			break
		}
		s.press("/forgot/card-password", typed("password", "WRONG123"))
	}
	s.press("/forgot/card-password", typed("password", cardPassword))
	s.at("/p/a/forgot/tap", "このカードに入力できるのは、あと1回です。")
	if strings.Contains(s.body, "data-auto") {
		t.Error("the last try of the card would be used up without a press")
	}
	s.press("/forgot/apply", nil)
	s.at("/p/a/reissue/password", "4 / 4")
	away()
	if now, _ := p.Element().Certificate(pki.PhoneSign); string(now) != string(old) {
		t.Error("the present certificate went before the new one was there")
	}
	s.open("/p/a/forgot") // on its way already
	s.at("/p/a/enrol", "4 / 4")
	s.press("/enrol/resume", nil)
	s.press("/reissue/password", typed("password", cardPassword, "again", cardPassword))
	s.at("/p/a/reissue/password", "カードと同じパスワードは使えません。")
	s.press("/reissue/password", typed("password", "NEWWORD77", "again", "NEWWORD77"))
	s.at("/p/a/", "署名用の電子証明書が新しくなりました。")
	if now, _ := p.Element().Certificate(pki.PhoneAuth); string(now) != string(auth) {
		t.Error("the authentication certificate is another one")
	}
	if now, _ := p.Element().Certificate(pki.PhoneSign); string(now) == string(old) {
		t.Error("the signature certificate is the old one")
	}
	if w.opens(p, element.Unlock{Password: password(t, phonePassword)}) || !w.opens(p, element.Unlock{Password: password(t, "NEWWORD77")}) {
		t.Error("the password is not the new one")
	}
	s.open("/p/a/reset-pin")
	s.press("/reset-pin", typed("password", "NEWWORD77", "pin", "5180", "again", "5180"))
	s.at("/p/a/", "暗証番号を変えました。")
	s.open("/p/a/certificate")
	if n := strings.Count(s.body, "使えます"); n < 2 {
		t.Errorf("%d certificates work", n)
	}
}

// A phone on hold gets nothing new before it is found.
func TestAForgottenPasswordOfALostPhone(t *testing.T) {
	s, _ := lostPhone(t)
	s.open("/p/a/") // asks the authority
	s.open("/p/a/forgot")
	s.at("/p/a/forgot", "いまは一時停止中です。先に元に戻してください。", "/p/a/found")
	if strings.Contains(s.body, "/forgot/card-password") {
		t.Error("the card is asked for")
	}
}
