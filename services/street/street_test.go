package street

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/ui"
)

func has(t *testing.T, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func lacks(t *testing.T, page string, unwanted ...string) {
	t.Helper()
	for _, s := range unwanted {
		if strings.Contains(page, s) {
			t.Errorf("the page has %q", s)
		}
	}
}

func TestTheStartPageTellsTheProgressUntilItIsUsable(t *testing.T) {
	n := newTown(t)
	n.mu.Lock()
	n.progress = Progress{Steps: []Step{{Name: ui.Text{JA: "認証局の鍵", EN: "keys"}, State: "done"}, {Name: ui.Text{JA: "最初のカード", EN: "first card"}, Count: 1, Of: 2, State: "now"}}}
	n.mu.Unlock()
	status, page := n.get("/")
	if status != 200 {
		t.Fatalf("status %d", status)
	}
	has(t, page, "町を用意しています", "最初のカード", `value="75"`, `http-equiv="refresh" content="1"`)

	n.mu.Lock()
	n.progress.Usable = true
	n.mu.Unlock()
	_, page = n.get("/")
	has(t, page, "スマホとポータルを並べて開く", n.phoneURL+"/p/hanako/", n.portalURL, "ほかの住人とカードを", `http-equiv="refresh" content="2"`)

	n.mu.Lock()
	n.progress.Done = true
	n.mu.Unlock()
	_, page = n.get("/")
	lacks(t, page, "ほかの住人とカードを", `http-equiv="refresh"`)
}

func TestProgressCountsStepsAlike(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Progress
		want int
	}{
		{"nothing to make is all done", Progress{}, 100},
		{"nothing made yet", Progress{Steps: []Step{{State: "now", Of: 4}, {State: "next"}}}, 0},
		{"half of one of two", Progress{Steps: []Step{{State: "now", Of: 4, Count: 2}, {State: "next"}}}, 25},
		{"more than announced counts as all", Progress{Steps: []Step{{State: "now", Of: 4, Count: 9}}}, 100},
		{"done is done", Progress{Done: true, Steps: []Step{{State: "next"}}}, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.p.Percent(); got != c.want {
				t.Errorf("%d percent, want %d", got, c.want)
			}
		})
	}
}

func TestSecretsAreShownOnlyToWhoPresses(t *testing.T) {
	n := newTown(t)
	secrets := []string{"HANAKO2026", "4821", "7305", "6194", "5937", "TARO7788", "40718265391", "61390427"}
	for _, path := range []string{"/", "/cards", "/hold?reader=" + n.readerOfHanakosPhone, "/mailbox", "/trace", "/services.json", "/residents.json"} {
		_, page := n.get(path)
		lacks(t, page, secrets...)
	}
	if n.secretsRead != 0 {
		t.Errorf("the secrets were read %d times before anybody asked", n.secretsRead)
	}
	_, page := n.get("/break") // reads them to know whose lock code it keeps, shows none
	lacks(t, page, secrets...)
	_, page = n.get("/cards?secrets=card-hanako")
	has(t, page, "HANAKO2026", "4821", "7305", "6194")
	lacks(t, page, "TARO7788")
	_, page = n.get("/?secrets=card-hanako")
	has(t, page, "HANAKO2026")
	lacks(t, page, "4821")
	_, page = n.get("/?secrets=phone-taro")
	has(t, page, "5937", "40718265391")
	_, page = n.get("/offers?secrets=till-asahi")
	has(t, page, "61390427")
	lacks(t, page, "HANAKO2026")
	for _, which := range []string{"card-hanako", "till-nowhere", ""} { // a till's page shows a till's
		_, page = n.get("/offers?secrets=" + which)
		lacks(t, page, "HANAKO2026", "61390427")
	}
	for _, which := range []string{"card-nobody", "phone-", "card", "-", "../etc/passwd"} {
		_, page = n.get("/cards?secrets=" + which)
		lacks(t, page, secrets...)
	}
}

func TestSecretsAndTokensDoNotPrint(t *testing.T) {
	n := newTown(t)
	for _, v := range []any{n.secrets, n.secrets.Cards["hanako"], n.token, n.street.roles, n.street.conf.Token, &n.secrets, []any{n.token}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			s := fmt.Sprintf(verb, v)
			// four digits stand in any address of memory: the longer ones only
			for _, secret := range []string{operator, "HANAKO2026", "48414e414b4f", "TARO7788", "40718265391"} {
				if strings.Contains(strings.ToLower(s), strings.ToLower(secret)) {
					t.Errorf("%s of %T prints a secret", verb, v)
				}
			}
		}
		if b, err := json.Marshal(v); err == nil && strings.Contains(string(b), operator) {
			t.Errorf("%T serializes a secret", v)
		}
	}
	if _, err := httpd.ParseOperatorToken("short"); err == nil {
		t.Error("a short token was taken")
	}
}

func TestTheRackJoinsCardsAndPeople(t *testing.T) {
	n := newTown(t)
	_, page := n.get("/cards")
	has(t, page, "手形　花子", "15歳未満", "一時停止中", "失効", "期限切れ", "署名用なし")
	lacks(t, page, "カードを離す")
	n.mu.Lock()
	n.cards[0].Reader = n.readerOfHanakosPhone
	n.mu.Unlock()
	_, page = n.get("/cards")
	has(t, page, "手形\u00a0花子さんのスマホにかざしています", "カードを離す")
	status, location, _ := n.post("/cards/hanako/remove", nil)
	if status != 303 || location != "/cards" || n.cards[0].Reader != "" {
		t.Errorf("removed: %d %q, still at %q", status, location, n.cards[0].Reader)
	}
	if status, _, page := n.post("/cards/nobody/remove", nil); status != 404 || !strings.Contains(page, "そのカードはありません") {
		t.Errorf("removing an unknown card answered %d", status)
	}
}

func TestARoleThatIsAwayIsSaidAndBreaksNothing(t *testing.T) {
	n := newTown(t)
	n.open(func(c *Config) {
		c.Services = []Service{{Role: "cards", URL: "http://127.0.0.1:1"}}
		c.Assertion = nil
	})
	for path, want := range map[string]string{
		"/": "ポータルは、いま動いていません", "/cards": "相手の窓口につながりませんでした", "/mailbox": "相手の窓口につながりませんでした",
		"/break": "認証局は、いま動いていません", "/offers": "いま止まっています",
	} {
		status, page := n.get(path)
		if status != 200 {
			t.Errorf("%s answered %d", path, status)
		}
		has(t, page, want)
	}
	if status, _ := n.get("/services.json"); status != 200 {
		t.Errorf("/services.json answered %d", status)
	}
}

func TestAnotherHostOrOriginIsRefused(t *testing.T) {
	n := newTown(t)
	req, _ := http.NewRequest("GET", n.server.URL+"/cards", nil)
	req.Host = "attacker.example"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another host: %d", resp.StatusCode)
	}
	for _, path := range []string{"/hold", "/break/card", "/break/ocsp", "/break/phone", "/break/clock", "/break/lost", "/cards/hanako/remove"} {
		req, _ := http.NewRequest("POST", n.server.URL+path, strings.NewReader("card=hanako&days=31&to=stop&phone=taro"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "http://portal.localhost:8404")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s of another origin: %d", path, resp.StatusCode)
		}
	}
	if n.stopped || len(n.lost) != 0 || n.clock.Offset() != 0 {
		t.Error("another origin changed something")
	}
}

func TestDiscovery(t *testing.T) {
	n := newTown(t)
	_, body := n.get("/services.json")
	var d struct {
		Services []struct {
			Role, URL string
			Title     map[string]string
		}
		Readers []struct{ Slot, Address string }
		Sandbox bool
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatal(err)
	}
	if !d.Sandbox || len(d.Services) != 5 || d.Services[1].Role != "issuer" || d.Services[1].URL != n.issuerURL || d.Services[1].Title["en"] != "Issuer" {
		t.Errorf("services.json: %s", body)
	}
	if len(d.Readers) != 3 || d.Readers[1].Slot != "phone:hanako" || d.Readers[1].Address != n.readerOfHanakosPhone {
		t.Errorf("readers: %+v", d.Readers)
	}
	_, body = n.get("/residents.json")
	var p struct {
		Residents []Person
		Complete  bool
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || len(p.Residents) != 6 || !p.Complete || p.Residents[2].About.EN != "Under 15: no signature certificate" {
		t.Errorf("residents.json: %v %s", err, body)
	}
	if status, _ := n.get("/healthz"); status != 200 {
		t.Errorf("healthz %d", status)
	}
	n.mu.Lock()
	n.progress.Failed = "disk full"
	n.mu.Unlock()
	if status, _ := n.get("/healthz"); status != 503 {
		t.Errorf("healthz of a town that could not be made: %d", status)
	}
	if status, page := n.get("/nothing"); status != 404 || !strings.Contains(page, "このページはありません") {
		t.Errorf("an unknown path: %d", status)
	}
}

func TestDurations(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"31d": 31 * 24 * time.Hour, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute, "12h30m": 12*time.Hour + 30*time.Minute, "3653d": 3653 * 24 * time.Hour, "1s": time.Second,
		"": 0, "d": 0, "-1d": 0, "1d-2h": 0, "31": 0, "1e9d": 0, "99999999999999999999d": 0, "4000d": 0, "0d": 0, "1ms": 0, "-5h": 0, "1d1d": 0, "9999999h": 0,
	} {
		got, err := parseDuration(s)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %v, %v; want %v", s, got, err, want)
		}
	}
}

func TestTheClockByCommand(t *testing.T) {
	n := newTown(t)
	bearer := httpd.Bearer(operator)
	if status, _ := n.do("POST", "/clock/advance", map[string]string{"duration": "31d"}); status != 401 {
		t.Errorf("without the token: %d", status)
	}
	if status, _ := n.do("POST", "/clock/advance", map[string]string{"duration": "31d"}, httpd.Bearer(operator+"x")); status != 401 {
		t.Errorf("with another token: %d", status)
	}
	if status, _ := n.do("POST", "/clock/advance", map[string]string{"duration": "-1h"}, bearer); status != 400 {
		t.Errorf("backwards: %d", status)
	}
	status, body := n.do("POST", "/clock/advance", map[string]string{"duration": "31d"}, bearer)
	if status != 200 || !strings.Contains(body, `"offset_seconds":2678400`) {
		t.Errorf("advance: %d %s", status, body)
	}
	if _, now := n.get("/clock"); now != body {
		t.Errorf("GET /clock says %s, want %s", now, body)
	}
	_, page := n.get("/trace")
	has(t, page, "時計を進めました")

	n.clock.fail = errors.New("municipality: register is locked")
	if status, _ := n.do("POST", "/clock/advance", map[string]string{"duration": "1d"}, bearer); status != 500 {
		t.Errorf("a walk that failed: %d", status)
	}
	_, page = n.get("/break")
	has(t, page, "こちらの不具合です")
	_, page = n.get("/trace")
	has(t, page, "時計は途中で止まりました")
	n.clock.fail = nil

	n.mu.Lock()
	n.progress.Done = false
	n.mu.Unlock()
	if status, _ := n.do("POST", "/clock/advance", map[string]string{"duration": "1d"}, bearer); status != 503 {
		t.Errorf("while the town is made: %d", status)
	}
}
