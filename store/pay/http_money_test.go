package pay_test

import (
	"encoding/csv"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestChargingOnThePages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := opens(t, w)
		p.signUp()
		a := p.toBank()
		p.get("/bank/return?mandate=" + a.ID + "&code=code-" + a.ID + "&state=" + a.State)
		form := func() url.Values {
			_, _, body := p.get("/charge")
			m := regexp.MustCompile(`name="id" value="([A-Z0-9]+)"`).FindStringSubmatch(body)
			if m == nil {
				t.Fatalf("no id on %s", body)
			}
			return url.Values{"id": {m[1]}, "mandate": {a.ID}, "amount": {"3000"}}
		}
		f := form()
		if again := form(); again.Get("id") != f.Get("id") {
			t.Error("a reload of the form is another charge")
		}
		for range 2 { // a double click
			if _, at, body := p.post("/charge", f); at != "/charges/"+f.Get("id") || !strings.Contains(body, "残高は3,000円です。") {
				t.Errorf("at %s: %s", at, body)
			}
		}
		w.balance(t, 3000)
		f.Set("amount", "1000") // the way back, and another amount
		if _, at, body := p.post("/charge", f); at != "/charge" || !strings.Contains(body, "pay-moved") {
			t.Errorf("at %s", at)
		}
		f = form()
		f.Set("other", "7,001")
		if _, at, body := p.post("/charge", f); at != "/charge" || !strings.Contains(body, "pay-charge-first") || !strings.Contains(body, `value="7,001"`) {
			t.Errorf("at %s: %s", at, body)
		}
		f.Set("other", "500")
		w.bank.lost = 1
		if _, at, body := p.post("/charge", f); at != "/charges/"+f.Get("id") || !strings.Contains(body, "銀行の答えを確かめています") {
			t.Errorf("at %s: %s", at, body)
		}
		if _, _, body := p.get("/home"); !strings.Contains(body, "500円のチャージについて") {
			t.Error("what waits is not on the first page")
		}
		if _, _, body := p.post("/charges/"+f.Get("id"), nil); !strings.Contains(body, "残高は3,500円です。") {
			t.Error(body)
		}
		f = form()
		w.bank.refuse = "bank-charge-funds"
		if _, _, body := p.post("/charge", f); !strings.Contains(body, "銀行口座の残高が足りません。") {
			t.Error(body)
		}
		_, _, body := p.get("/ledger.csv")
		lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
		if err != nil || len(lines) != 3 || lines[1][4] != "3000" || lines[2][5] != "3500" {
			t.Errorf("%v, %v", lines, err)
		}
		if _, _, body := p.get("/history"); strings.Count(body, "チャージできませんでした") != 2 {
			t.Error("refused attempts are not all there")
		}
		p.provider.Who = person("s2", ken)
		w.says = verdict("passed", ken.Name)
		p.browser = p.another()
		p.signUp()
		if status, _, _ := p.get("/charges/" + f.Get("id")); status != 404 {
			t.Errorf("another person sees the charge: %d", status)
		}
		if status, _, _ := p.get("/accounts/" + a.ID); status != 404 {
			t.Errorf("another person sees the account: %d", status)
		}
	})
}

func TestProtectionOnThePages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := opens(t, w)
		p.signUp()
		if _, at, body := p.post("/settings/stopped", nil); at != "/settings" || !strings.Contains(body, "止まっています") {
			t.Errorf("at %s", at)
		}
		stopped := func() bool {
			a, err := w.Wallet(t.Context(), "s1")
			if err != nil {
				t.Fatal(err)
			}
			return a.Stopped()
		}
		_, at, body := p.post("/settings/resumed", nil)
		if at != "/go" || !stopped() {
			t.Errorf("a press started it: %s", at)
		}
		p.provider.Lag = time.Hour // a session that the provider had already
		if status, _, body := p.through(body); status != 403 || !strings.Contains(body, "pay-login-again") || !stopped() {
			t.Errorf("an old login: %d %s", status, body)
		}
		p.provider.Lag = 0
		_, _, body = p.post("/settings/resumed", nil)
		if _, at, _ := p.through(body); at != "/settings" || stopped() {
			t.Errorf("at %s", at)
		}
		_, _, body = p.post("/settings/night-open", nil)
		if _, at, body := p.through(body); at != "/settings" || !strings.Contains(body, "夜間も使えます") {
			t.Errorf("at %s", at)
		}
		if _, _, body := p.post("/settings/night-closed", nil); !strings.Contains(body, "夜間は、お金が動きません") {
			t.Error(body)
		}
		if status, _, _ := p.post("/settings/everything", nil); status != 404 {
			t.Errorf("status %d", status)
		}
		if _, at, body := p.post("/close", nil); at != "/home" || !strings.Contains(body, "に終わりました") {
			t.Errorf("at %s", at)
		}
	})
}
