package street

import (
	"strings"
	"testing"
	"time"
)

func TestBreakingAndMendingThings(t *testing.T) {
	n := newTown(t)
	n.cards[0].Reader = n.readerOfHanakosPhone
	_, page := n.get("/break")
	has(t, page, "手形\u00a0花子さんのスマホにかざしています", "動いています", "電源は入っています", "停止コードは、町が預かっています")

	if status, to, _ := n.post("/break/card", map[string]string{"card": "hanako"}); status != 303 || to != "/break?did=card#card" || n.cards[0].Reader != "" {
		t.Errorf("pull the card: %d %q", status, to)
	}
	if status, _, _ := n.post("/break/ocsp", map[string]string{"to": "stop"}); status != 303 || !n.stopped {
		t.Errorf("stop the responder: %d", status)
	}
	_, page = n.get("/break?did=ocsp")
	has(t, page, "止まっています", "窓口の動きを変えました")
	if status, _, _ := n.post("/break/ocsp", map[string]string{"to": "start"}); status != 303 || n.stopped {
		t.Errorf("start the responder: %d", status)
	}
	if status, _, _ := n.post("/break/phone", map[string]string{"phone": "taro", "to": "off"}); status != 303 {
		t.Errorf("switch off: %d", status)
	}
	_, page = n.get("/break?did=nonsense")
	has(t, page, "電源は切れています")
	if status, _, _ := n.post("/break/phone", map[string]string{"phone": "taro", "to": "on"}); status != 303 {
		t.Errorf("switch on: %d", status)
	}
	_, page = n.get("/break")
	lacks(t, page, "電源は切れています")
	_, page = n.get("/trace")
	has(t, page, "カードを途中で離しました", "（OCSP）を止めました", "スマホの電源を切りました")
}

func TestReportingAPhoneLost(t *testing.T) {
	n := newTown(t)
	_, to, page := n.post("/break/lost", map[string]string{"birth_date": "1979-11-03", "lock_code": ""})
	if to != "/break#lost" || !strings.Contains(page, "生年月日と停止コードを入力してください") {
		t.Errorf("no code: %q", to)
	}
	_, _, page = n.post("/break/lost", map[string]string{"birth_date": "1979-11-03", "lock_code": "11111111111"})
	has(t, page, "停止コードか生年月日が違います", "できません", "あと4回入力できます", `value="1979-11-03"`)
	lacks(t, page, "11111111111")
	if status, _, _ := n.post("/break/lost", map[string]string{"birth_date": "1979-11-03", "lock_code": "40718265391"}); status != 303 || len(n.lost) != 1 {
		t.Errorf("by code: %d %q", status, n.lost)
	}
	if status, _, _ := n.post("/break/lost", map[string]string{"phone": "taro"}); status != 303 || len(n.lost) != 2 {
		t.Errorf("a phone of the sandbox: %d %q", status, n.lost)
	}
	if _, to, _ := n.post("/break/lost", map[string]string{"phone": "hanako"}); to != "/break#lost" || len(n.lost) != 2 {
		t.Errorf("a phone without a code: %q", to)
	}
	_, page = n.get("/trace")
	has(t, page, "一時停止しました")
	lacks(t, page, "40718265391")
}

func TestLettingTimePassBehindThePage(t *testing.T) {
	n := newTown(t)
	n.clock.gate = make(chan struct{})
	if status, to, _ := n.post("/break/clock", map[string]string{"days": "31"}); status != 303 || to != "/break?did=clock#clock" {
		t.Fatalf("%d %q", status, to)
	}
	_, page := n.get("/break")
	has(t, page, "時計を進めています…", `http-equiv="refresh"`)
	if status, _, page := n.post("/break/clock", map[string]string{"days": "31"}); status != 409 || !strings.Contains(page, "時計はいま進んでいる途中です") {
		t.Errorf("a second walk at once: %d", status)
	}
	close(n.clock.gate)
	n.street.work.Wait()
	if got := n.clock.Offset(); got != 31*24*time.Hour {
		t.Errorf("offset %v", got)
	}
	if status, _, _ := n.post("/break/clock", map[string]string{"days": "13"}); status != 303 {
		t.Errorf("13 days: %d", status)
	}
	n.street.work.Wait()
	if got := n.clock.Offset(); got != 44*24*time.Hour {
		t.Errorf("offset %v", got)
	}
	_, page = n.get("/break")
	has(t, page, "令和9年1月5日")
	lacks(t, page, `http-equiv="refresh"`)
	for _, days := range []string{"0", "-1", "3651", "x", ""} {
		if status, _, _ := n.post("/break/clock", map[string]string{"days": days}); status != 400 {
			t.Errorf("%q days: %d", days, status)
		}
	}
}

func TestClosingEndsAWalk(t *testing.T) {
	n := newTown(t)
	n.clock.gate = make(chan struct{}) // never opened
	n.post("/break/clock", map[string]string{"days": "31"})
	n.street.Close()
	if n.clock.Offset() != 0 {
		t.Error("the clock went on")
	}
}

func TestTheMailboxes(t *testing.T) {
	n := newTown(t)
	_, page := n.get("/mailbox")
	has(t, page, "お知らせなし", "手形\u00a0花子")
	for i, to := range []string{"hanako", "taro", "hanako", "stranger@example", "hanako"} {
		n.notices = append(n.notices, map[string]any{"id": "n" + string(rune('A'+i)), "at": n.clock.Now(), "to": map[string]string{"channel": "mailbox", "address": to}, "kind": "registered",
			"ja": map[string]string{"title": "お知らせ" + string(rune('A'+i)), "body": "一行目\n二行目"}, "en": map[string]string{"title": "Notice", "body": "one\ntwo"}})
	}
	_, page = n.get("/mailbox")
	has(t, page, "3通", "stranger@example", "お知らせE")
	_, page = n.get("/mailbox?to=hanako")
	has(t, page, "手形\u00a0花子さんの郵便受け", "お知らせA", "お知らせC", "お知らせE", "<p>一行目</p>")
	lacks(t, page, "お知らせB", "お知らせD")
	if strings.Index(page, "お知らせE") > strings.Index(page, "お知らせA") {
		t.Error("the newest notice does not come first")
	}
	if status, _ := n.get("/mailbox?to=nobody"); status != 404 {
		t.Errorf("a mailbox of nobody: %d", status)
	}
}

func TestAPhoneIsResetWithoutAWordToTheAuthority(t *testing.T) {
	n := newTown(t)
	_, page := n.get("/break")
	has(t, page, "スマホを初期化する", `action="/break/reset"`)
	if status, to, _ := n.post("/break/reset", map[string]string{"phone": "taro"}); status != 303 || to != "/break?did=reset#reset" || n.phones[1]["state"] != "none" {
		t.Errorf("%d %q %v", status, to, n.phones[1])
	}
	_, page = n.get("/break?did=reset")
	has(t, page, "スマホを初期化しました。")
	_, page = n.get("/trace")
	has(t, page, "スマホを初期化しました")
}
