package bank_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tegata/services/bank"
)

func TestTheFirstDaysOverThePages(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.provider.Who = person(newcomer, hanako)
		account := c.opens(t, "n1")
		c.enters(nil)
		if a := c.do("GET", "/home", nil); !strings.Contains(a.text, `href="/undo"`) || strings.Contains(a.text, "/release") {
			t.Errorf("%s", a.text)
		}
		key := "KEY-0123456789-ABCDEF"
		c.do("POST", "/account", url.Values{"amount": {"50000"}, "key": {key}})
		if a := c.do("POST", "/account", url.Values{"amount": {"-50000"}, "key": {key + "2"}}); a.location != "/account" {
			t.Errorf("%d %s", a.status, a.location)
		}
		if a := c.do("GET", "/account", nil); !strings.Contains(a.text, "bank-cooling") || !strings.Contains(a.text, "50,000円") {
			t.Errorf("%s", a.text)
		}

		// Somebody without a login has the letter.
		link := "/hold/" + c.link(t)
		stranger := *c
		stranger.browser = newBrowser(t)
		for _, method := range []string{"GET", "GET"} { // programs follow links
			if a := stranger.do(method, link, nil); a.status != 200 || !strings.Contains(a.text, `action="`+link+`"`) || strings.Contains(a.text, hanako.Name) || strings.Contains(a.text, account) {
				t.Fatalf("%d %s", a.status, a.text)
			}
		}
		if c.current(t, newcomer).Held() {
			t.Fatal("looking at a link held it")
		}
		for range 2 {
			if a := stranger.do("POST", link, nil); a.location != link {
				t.Errorf("%d %s", a.status, a.location)
			}
		}
		if a := stranger.do("GET", link, nil); a.status != 200 || strings.Contains(a.text, "<form method=\"post\" action=\"/hold") {
			t.Errorf("%d %s", a.status, a.text)
		}
		for _, path := range []string{"/undo", "/release"} {
			if a := stranger.do("POST", path, nil); a.location != "/" {
				t.Errorf("a stranger at %s: %d %s", path, a.status, a.location)
			}
		}
		if a := stranger.do("GET", "/hold/NONE", nil); a.status != 404 || !strings.Contains(a.text, "bank-hold-link") {
			t.Errorf("%d %s", a.status, a.text)
		}

		// Its owner ends the hold by a signature, in one of two tabs.
		if a := c.do("GET", "/account", nil); !strings.Contains(a.text, "止められました") {
			t.Errorf("%s", a.text)
		}
		paper := func() string {
			m := regexp.MustCompile(`name="paper" value="(\w+)"`).FindStringSubmatch(c.do("GET", "/release", nil).text)
			if m == nil {
				t.Fatal("no request is shown")
			}
			return m[1]
		}
		first, second := paper(), paper()
		if a := c.do("POST", "/release", url.Values{"paper": {first}}); a.location != "/release" {
			t.Errorf("what was not shown last is signed: %d %s", a.status, a.location)
		}
		c.do("POST", "/release", url.Values{"paper": {second}})
		if a := c.do("GET", c.back(), nil); a.location != "/home" {
			t.Fatalf("%d %s", a.status, a.location)
		}
		if c.current(t, newcomer).Held() {
			t.Error("it is still held")
		}
		if a := c.do("GET", "/received", nil); !strings.Contains(a.text, "/received/"+second+"/paper/paper.txt") {
			t.Errorf("%s", a.text)
		}
		if a := c.do("GET", "/received/"+second+"/paper/paper.txt", nil); a.text != string(c.provider.Content) {
			t.Errorf("%d %s", a.status, a.text)
		}
		if a := c.do("GET", "/received/"+first+"/paper/paper.txt", nil); a.status != 404 {
			t.Errorf("%d", a.status)
		}
		if a := c.do("GET", "/release", nil); a.location != "/home" {
			t.Errorf("%d %s", a.status, a.location)
		}

		if a := c.do("GET", "/undo", nil); a.status != 200 || !strings.Contains(a.text, account) {
			t.Errorf("%d %s", a.status, a.text)
		}
		for range 2 {
			if a := c.do("POST", "/undo", nil); a.location != "/home" {
				t.Errorf("%d %s", a.status, a.location)
			}
		}
		if a := c.do("GET", "/home", nil); !strings.Contains(a.text, "開設を取り消しました") || !strings.Contains(a.text, `href="/apply"`) {
			t.Errorf("%s", a.text)
		}
		if a := c.do("GET", "/undo", nil); a.location != "/home" {
			t.Errorf("%d %s", a.status, a.location)
		}
		c.provider.Who = person("s1", hanako) // whose first days are over
		c.enters(nil)
		c.do("POST", "/undo", nil)
		if a := c.current(t, "s1"); a.State != bank.Opened {
			t.Errorf("undone too late: %+v", a)
		}
		if a := c.do("GET", "/undo", nil); a.status != 409 || !strings.Contains(a.text, "bank-undo-late") {
			t.Errorf("%d %s", a.status, a.text)
		}
	})
}
