package municipality_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/services/municipality"
	"tegata/store"
	"tegata/store/storetest"
)

// browser is a person at the desk's pages, with scripts off.
type browser struct {
	t    *testing.T
	door http.Handler
}

func (b browser) send(method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Host = desk
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+desk)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.door.ServeHTTP(w, r)
	return w
}

func (b browser) get(path string) string {
	b.t.Helper()
	w := b.send("GET", path, nil)
	if w.Code != 200 {
		b.t.Fatalf("%s: %d\n%.400s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

var (
	formOf  = regexp.MustCompile(`(?s)<form method="post" action="(/residents/[^"]+)"[^>]*>(.*?)</form>`)
	inputOf = regexp.MustCompile(`<input[^>]*name="([^"]+)"[^>]*>`)
	valueOf = regexp.MustCompile(`value="([^"]*)"`)
)

// form is the page's one form, filled in as it came.
func (b browser) form(page string) (string, url.Values) {
	b.t.Helper()
	m := formOf.FindStringSubmatch(page)
	if m == nil {
		b.t.Fatalf("no form on the page:\n%.600s", page)
	}
	v := url.Values{}
	for _, in := range inputOf.FindAllStringSubmatch(m[2], -1) {
		if strings.Contains(in[0], `type="radio"`) && !strings.Contains(in[0], " checked") {
			continue
		}
		if value := valueOf.FindStringSubmatch(in[0]); value != nil {
			v.Set(in[1], html.UnescapeString(value[1]))
		}
	}
	return html.UnescapeString(m[1]), v
}

// deed goes through both screens, and returns the last form and where it led.
func (b browser) deed(resident, deed string, enter url.Values) (string, url.Values, string) {
	b.t.Helper()
	path, v := b.form(b.get("/residents/" + resident + "/desk/" + deed))
	for name := range enter {
		v.Set(name, enter.Get(name))
	}
	review := b.send("POST", path, v)
	if review.Code != 200 {
		b.t.Fatalf("%s: %d\n%.800s", deed, review.Code, review.Body)
	}
	path, v = b.form(review.Body.String())
	done := b.send("POST", path, v)
	if done.Code != http.StatusSeeOther {
		b.t.Fatalf("%s: %d\n%.800s", deed, done.Code, done.Body)
	}
	return path, v, done.Header().Get("Location")
}

func eachDesk(t *testing.T, body func(t *testing.T, w *world, r *municipality.Register, b browser)) {
	t.Helper()
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		w := newWorld(t)
		r := w.open(db)
		must(t, add(r, t, hanako()))
		pages, err := municipality.OpenPages()
		must(t, err)
		h := &municipality.Handler{Register: r, Admit: municipality.Operator(operator), Ready: db.Ping, Pages: pages,
			Officer: municipality.SandboxDesk, Guard: httpd.GuardOptions{Names: []string{desk}}}
		body(t, w, r, browser{t, h.Routes()})
		if err := db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestTheDeskThroughItsPages(t *testing.T) {
	eachDesk(t, func(t *testing.T, w *world, r *municipality.Register, b browser) {
		b.deed("hanako", "card-new", nil)
		if page := b.get("/residents/hanako"); !strings.Contains(page, "窓口でお渡しを待っています") || strings.Contains(page, "/desk/card-new") {
			t.Error("the new card does not wait, or another can be made beside it")
		}
		b.deed("hanako", "card-hand-over", nil)

		// Moved: the form sent twice, gone back to, and the page of it loaded again.
		path, v, done := b.deed("hanako", "moved", url.Values{"address": {"　見本県手形市二丁目1番1号 "}})
		for range 2 {
			if again := b.send("POST", path, v); again.Code != http.StatusSeeOther || again.Header().Get("Location") != done {
				t.Errorf("sent again: %d %s", again.Code, again.Body)
			}
		}
		v.Set("address", "見本県手形市九丁目9番9号")
		if other := b.send("POST", path, v); other.Code != http.StatusConflict || !strings.Contains(other.Body.String(), "event-conflict") {
			t.Errorf("another address under the same id: %d", other.Code)
		}
		page := b.get(done)
		if !strings.Contains(page, "認証局に知らせました") || !strings.Contains(page, "状態が変わった電子証明書：1") || !strings.Contains(page, "/desk/card-sign") {
			t.Errorf("what became of it is not told:\n%s", page)
		}
		b.deed("hanako", "card-sign", nil)
		b.deed("hanako", "renamed", url.Values{"name": {"関所　花子"}, "kana": {"セキショ　ハナコ"}})
		b.deed("hanako", "card-lost", nil)
		if r := b.send("GET", "/residents/hanako/desk/card-lost", nil); r.Code != http.StatusConflict {
			t.Errorf("lost once more: %d", r.Code)
		}
		b.deed("hanako", "card-found", nil)
		b.deed("hanako", "card-new", nil)
		b.deed("hanako", "card-hand-over", nil)
		b.deed("hanako", "sign-return", nil)
		_, _, planned := b.deed("hanako", "emigrated", url.Values{"on": {"2026-12-01"}})
		id := planned[strings.LastIndex(planned, "/")+1:]
		if page := b.get("/residents/hanako"); !strings.Contains(page, "予定されています") {
			t.Error("what is planned is not shown")
		}
		cancel := b.send("GET", "/residents/hanako/desk/cancel?report="+id, nil)
		path, v = b.form(cancel.Body.String())
		path, v = b.form(b.send("POST", path, v).Body.String())
		for range 2 {
			if r := b.send("POST", path, v); r.Code != http.StatusSeeOther {
				t.Errorf("taken back: %d %s", r.Code, r.Body)
			}
		}
		b.deed("hanako", "card-return", nil)
		b.deed("hanako", "died", nil)
		if r := b.send("GET", "/residents/hanako/desk/moved", nil); r.Code != http.StatusConflict {
			t.Errorf("moved after death: %d", r.Code)
		}
		var heard []string
		for _, line := range w.issuer.told {
			heard = append(heard, strings.Fields(line)[0])
		}
		want := "issued moved signature name-changed card-lost card-found issued card-renewed card-revoked announced announced card-revoked died"
		if got := strings.Join(heard, " "); got != want {
			t.Errorf("the issuer heard %s\nwant %s", got, want)
		}
		if got := w.issuer.people["hanako"].Attributes; got.Address != "見本県手形市二丁目1番1号" || got.Name != "関所　花子" {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheDeskExplainsWrongInputAndRefusesStrangers(t *testing.T) {
	eachDesk(t, func(t *testing.T, w *world, r *municipality.Register, b browser) {
		b.deed("hanako", "card-new", nil)
		b.deed("hanako", "card-hand-over", nil)
		for name, c := range map[string]struct {
			deed  string
			enter url.Values
			says  string
		}{
			"no address":         {"moved", url.Values{"address": {" "}}, "新しい住所を"},
			"a day far ahead":    {"moved", url.Values{"address": {"見本県手形市二丁目"}, "on": {"2040-01-01"}}, "1年より先"},
			"an unknown town":    {"moved", url.Values{"address": {"見本県手形市二丁目"}, "municipality": {"13101"}}, "unknown-municipality"},
			"nothing changed":    {"renamed", nil, "変わったところを1つは"},
			"kana in hiragana":   {"renamed", url.Values{"kana": {"てがた"}}, "カタカナで"},
			"born tomorrow":      {"renamed", url.Values{"birth": {"2026-12-24"}}, "生年月日が正しくありません"},
			"a sex that is none": {"renamed", url.Values{"sex": {"7"}}, "入力のどれかが"},
		} {
			path, v := b.form(b.get("/residents/hanako/desk/" + c.deed))
			for name := range c.enter {
				v.Set(name, c.enter.Get(name))
			}
			got := b.send("POST", path, v)
			if got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), c.says) {
				t.Errorf("%s: %d\n%.300s", name, got.Code, got.Body)
			}
			if again, _ := b.form(got.Body.String()); again != path {
				t.Errorf("%s: the form does not come back", name)
			}
		}
		for _, where := range []string{"/residents/nobody", "/residents/hanako/desk/burn", "/residents/hanako/reports/none", "/residents/hanako/desk/cancel"} {
			if got := b.send("GET", where, nil); got.Code < 400 || !strings.Contains(got.Body.String(), "<h1") {
				t.Errorf("%s: %d", where, got.Code)
			}
		}
		path, v := b.form(b.get("/residents/hanako/desk/died"))
		v.Set("step", "do")
		for name, headers := range map[string][]string{
			"another site's form": {"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"},
			"a neighbour's form":  {"Origin", "http://portal.localhost:8404", "Sec-Fetch-Site", "same-site"},
			"a nameless form":     {"Origin", "null", "Sec-Fetch-Site", "cross-site"},
		} {
			if got := b.send("POST", path, v, headers...); got.Code != http.StatusForbidden {
				t.Errorf("%s: %d", name, got.Code)
			}
		}
		page := b.send("GET", "/residents/hanako", nil)
		if page.Header().Get("X-Frame-Options") != "DENY" || !strings.Contains(page.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Error("the page may stand in a frame")
		}
		if e := shown(t, r); len(e.Events) != 0 || e.Resident.Died {
			t.Errorf("something was done: %+v", e)
		}
	})
}

func TestNobodySitsAtTheDeskWithoutAnOfficer(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		w := newWorld(t)
		r := w.open(db)
		must(t, add(r, t, hanako()))
		pages, err := municipality.OpenPages()
		must(t, err)
		h := &municipality.Handler{Register: r, Admit: municipality.Operator(operator), Ready: db.Ping, Pages: pages, Guard: httpd.GuardOptions{Names: []string{desk}}}
		b := browser{t, h.Routes()}
		if page := b.get("/residents/hanako"); strings.Contains(page, "/desk/") {
			t.Error("the page offers what nobody may do")
		}
		if got := b.send("POST", "/residents/hanako/desk/died", url.Values{"step": {"do"}, "id": {"e1"}}); got.Code != http.StatusNotFound {
			t.Errorf("done by nobody: %d", got.Code)
		}
	})
}

func TestTheDeskSaysThatItGoesOnWithoutTheIssuer(t *testing.T) {
	eachDesk(t, func(t *testing.T, w *world, r *municipality.Register, b browser) {
		b.deed("hanako", "card-new", nil)
		b.deed("hanako", "card-hand-over", nil)
		w.issuer.down = true
		_, _, moved := b.deed("hanako", "moved", url.Values{"address": {"見本県手形市二丁目1番1号"}})
		_, _, sign := b.deed("hanako", "card-sign", nil)
		for _, page := range []string{b.get(moved), b.get(sign)} {
			if !strings.Contains(page, "続きは自動で行います") {
				t.Errorf("the page does not say that it goes on:\n%.500s", page)
			}
		}
		w.issuer.down = false
		must(t, w.clock.AdvanceThrough(t.Context(), time.Hour, r))
		if page := b.get(sign); !strings.Contains(page, "カードに書き込みました") {
			t.Errorf("it is not there:\n%.500s", page)
		}
	})
}
