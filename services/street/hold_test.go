package street

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestHoldingACard(t *testing.T) {
	n := newTown(t)
	back := n.phoneURL + "/p/hanako/register?step=3"
	_, page := n.get("/hold?reader=" + n.readerOfHanakosPhone + "&back=" + url.QueryEscape(back))
	has(t, page, "どのカードをかざしますか", "手形\u00a0花子さんのスマホ", `value="taro"`, "かざさずに戻る")
	if strings.Index(page, `value="hanako"`) > strings.Index(page, `value="taro"`) {
		t.Error("the phone's own person does not come first")
	}
	status, location, _ := n.post("/hold", map[string]string{"reader": n.readerOfHanakosPhone, "back": back, "card": "hanako"})
	if status != http.StatusSeeOther || location != back {
		t.Errorf("held: %d %q", status, location)
	}
	if len(n.taps) != 1 || n.taps[0] != "hanako "+n.readerOfHanakosPhone {
		t.Errorf("taps: %q", n.taps)
	}
	// a terminal's reader, and nowhere to go back to
	status, location, _ = n.post("/hold", map[string]string{"reader": "127.0.0.1:49200", "card": "taro"})
	if status != http.StatusSeeOther || location != "/cards" || len(n.taps) != 2 {
		t.Errorf("held to the kiosk: %d %q %q", status, location, n.taps)
	}
	status, _, page = n.post("/hold", map[string]string{"reader": n.readerOfHanakosPhone, "back": back, "card": "nobody"})
	if status != 404 {
		t.Errorf("an unknown card: %d", status)
	}
	has(t, page, "カードはかざされていません")
	if status, _, _ = n.post("/hold", map[string]string{"reader": n.readerOfHanakosPhone}); status != 404 {
		t.Errorf("no card: %d", status)
	}
	_, page = n.get("/hold")
	has(t, page, "どこにカードをかざしますか", n.readerOfHanakosPhone, "kiosk:1")
}

func TestHoldingAPhone(t *testing.T) {
	n := newTown(t)
	// From a terminal's page: which phone?
	_, page := n.get("/hold?reader=127.0.0.1:49200")
	has(t, page, "スマホをかざす", "手形\u00a0太郎さんのスマホ", "カードをかざす", "電子証明書はありません")
	if strings.Index(page, `name="phone" value="taro"`) > strings.Index(page, `name="phone" value="hanako"`) {
		t.Error("a phone without certificates comes first")
	}
	status, location, _ := n.post("/hold", map[string]string{"reader": "127.0.0.1:49200", "phone": "taro"})
	if status != http.StatusSeeOther || location != n.phoneURL+"/p/taro/present" || len(n.presented) != 1 || n.presented[0] != "taro 127.0.0.1:49200" || len(n.taps) != 0 {
		t.Errorf("held: %d %q %q %q", status, location, n.presented, n.taps)
	}
	// From the phone's page: to which terminal?
	back := n.phoneURL + "/p/taro/present"
	_, page = n.get("/hold?phone=taro&back=" + url.QueryEscape(back))
	has(t, page, "どの端末にかざしますか", "手形\u00a0太郎さんのスマホを", "kiosk:1")
	if strings.Contains(page, "phone:hanako") {
		t.Error("a phone's own reader is no terminal")
	}
	// A phone's reader takes cards alone, and only what is here is held.
	if _, page = n.get("/hold?reader=" + n.readerOfHanakosPhone); strings.Contains(page, "スマホをかざす") {
		t.Error("a phone is offered to a phone")
	}
	for name, form := range map[string]map[string]string{
		"to a phone's reader":                {"reader": n.readerOfHanakosPhone, "phone": "taro"},
		"to a reader that nobody told of":    {"reader": "127.0.0.1:22", "phone": "taro"},
		"a phone that is not there":          {"reader": "127.0.0.1:49200", "phone": "nobody"},
		"with a way back out of the town":    {"reader": "127.0.0.1:49200", "phone": "taro", "back": "https://attacker.example/"},
		"a phone whose name leads elsewhere": {"reader": "127.0.0.1:49200", "phone": "../x"},
	} {
		if status, _, page := n.post("/hold", form); status < 400 || !strings.Contains(page, "スマホはかざされていません") {
			t.Errorf("%s: %d", name, status)
		}
	}
	if len(n.presented) != 1 {
		t.Errorf("held: %q", n.presented)
	}
	n.open(func(c *Config) { c.Readers = []Reader{{Slot: "helpdesk:1", Address: "127.0.0.1:49201", KeyPad: true}} })
	if _, page = n.get("/hold?reader=127.0.0.1:49201"); strings.Contains(page, "スマホをかざす") {
		t.Error("a phone is offered where staff sign in with their cards")
	}
	for _, query := range []string{"phone=nobody", "phone=taro&back=" + url.QueryEscape("https://attacker.example/")} {
		if status, page := n.get("/hold?" + query); status < 400 || link.MatchString(page) {
			t.Errorf("%s: %d", query, status)
		}
	}
}

func TestTheFormMayEndAtThePhone(t *testing.T) {
	n := newTown(t)
	resp, err := http.Get(n.server.URL + "/hold")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' "+n.phoneURL) {
		t.Errorf("form-action does not let the form end at the phone: %s", csp)
	}
}

var link = regexp.MustCompile(`(?:href|action|content)="[^"]*attacker`)

func TestOnlyThisNeighbourhoodsReadersAndWaysBack(t *testing.T) {
	n := newTown(t)
	phone := n.phoneURL
	for _, c := range []struct{ name, reader, back string }{
		{"a reader that nobody told of", "127.0.0.1:22", phone + "/p/hanako/"},
		{"a host by name", "phone.localhost:49152", phone + "/p/hanako/"},
		{"every interface", "0.0.0.0:49152", phone + "/p/hanako/"},
		{"another machine", "192.0.2.1:49152", phone + "/p/hanako/"},
		{"no port", "127.0.0.1", phone + "/p/hanako/"},
		{"port zero", "127.0.0.1:0", phone + "/p/hanako/"},
		{"a port that is none", "127.0.0.1:49152x", phone + "/p/hanako/"},
		{"a path in the reader", "127.0.0.1:49152/", phone + "/p/hanako/"},
		{"another site", n.readerOfHanakosPhone, "https://attacker.example/"},
		{"another role's pages", n.readerOfHanakosPhone, n.portalURL + "/"},
		{"the phone's origin as a user name", n.readerOfHanakosPhone, strings.Replace(phone, "http://", "http://"+strings.TrimPrefix(phone, "http://")+"@", 1) + ".attacker.example/"},
		{"the phone's origin as a prefix", n.readerOfHanakosPhone, phone + ".attacker.example/"},
		{"another scheme", n.readerOfHanakosPhone, "javascript:alert(1)"},
		{"https instead of http", n.readerOfHanakosPhone, strings.Replace(phone, "http://", "https://", 1) + "/"},
		{"no scheme", n.readerOfHanakosPhone, strings.TrimPrefix(phone, "http:")},
		{"a path", n.readerOfHanakosPhone, "/p/hanako/"},
		{"a line break", n.readerOfHanakosPhone, phone + "/p/\r\nSet-Cookie: a=b"},
		{"a backslash", n.readerOfHanakosPhone, phone + "\\@attacker.example/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := url.Values{"reader": {c.reader}, "back": {c.back}}
			status, page := n.get("/hold?" + q.Encode())
			if status != http.StatusBadRequest {
				t.Errorf("the page was shown: %d", status)
			}
			if link.MatchString(page) {
				t.Error("the refusal links there")
			}
			status, location, _ := n.post("/hold", map[string]string{"reader": url.QueryEscape(c.reader), "back": url.QueryEscape(c.back), "card": "hanako"})
			if status != http.StatusBadRequest || location != "/trouble" {
				t.Errorf("held: %d %q", status, location)
			}
		})
	}
	if len(n.taps) != 0 {
		t.Errorf("the cards role was told to dial: %q", n.taps)
	}
}
