package ui_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"tegata/internal/problem"
	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
)

func sample(t *testing.T) *ui.Site {
	t.Helper()
	site, err := ui.NewSite(ui.Party{ID: "portal", Name: ui.Text{JA: "みほん", EN: "Sample"}, Mark: "portal", Sandbox: true},
		fstest.MapFS{
			"ja.json": {Data: []byte(`{"hello":"こんにちは"}`)},
			"en.json": {Data: []byte(`{"hello":"Hello"}`)},
			"one.html": {Data: []byte(`{{define "title"}}{{t "hello"}}{{end}}{{define "main"}}<h1>{{t "hello"}} {{.Who}}</h1>
{{template "steps" (steps 3 6 (t "hello"))}}
{{template "secret" (((pin "pin" (t "hello")).Of "phone").Left 2)}}{{template "secret" (pin "again" (t "hello")).Twice}}{{template "keypad"}}
{{template "secret" ((password "word" (t "hello")).Of "card").Because .Wrong}}
{{template "field" (field "f" "x" "y")}}{{template "trouble" .Trouble}}{{template "ok" "done"}}{{template "mask" .Who}}{{template "progress" "…"}}
{{template "act-main" (press "go" "/go")}}{{template "act" (action "back" "/")}}{{template "draw-tap"}}{{qr "HTTPS://EXAMPLE" "x"}}{{date .At}}{{end}}`)},
		}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

type onePage struct {
	Who     string
	At      time.Time
	Wrong   ui.Wrong
	Trouble *ui.Trouble
}

func refused() error {
	return problem.New(problem.Refused, 403, "wrong-password",
		problem.Text{Title: "パスワードが違います。", Detail: "もう一度入力してください。"},
		problem.Text{Title: "Wrong password.", Detail: "Try again."}).With("tries_left", 3)
}

// A page is made when it is shown; that it does not parse is said before.
func TestAPageThatDoesNotParse(t *testing.T) {
	for name, text := range map[string]string{"one.html": `{{define "main"}}{{if}}{{end}}`, "two.html": `{{define "main"}}{{unknown}}{{end}}`, "some.part.html": `{{define "x"}}`} {
		_, err := ui.NewSite(ui.Party{ID: "portal"}, fstest.MapFS{"ja.json": {Data: []byte(`{}`)}, "en.json": {Data: []byte(`{}`)}, name: {Data: []byte(text)}}, nil)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A page may be asked for first by several people at once.
func TestAPageIsMadeOnce(t *testing.T) {
	site := sample(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			w := httptest.NewRecorder()
			if err := site.Render(w, httptest.NewRequest("GET", "/", nil), ui.Screen{Page: "one", Data: onePage{Who: "甲"}}); err != nil || !strings.Contains(w.Body.String(), "甲") {
				t.Errorf("%v: %s", err, w.Body)
			}
		})
	}
	group.Wait()
}

func TestAPageHasItsShellAndComponentsInBothLanguages(t *testing.T) {
	site := sample(t)
	page := onePage{Who: `<script>alert(1)</script>`, Wrong: ui.Wrong{Words: "違います。", Code: "wrong"}, At: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), Trouble: ui.TroubleOf(nil, refused())}
	frame := &ui.Frame{Base: "/p/a", Picture: "cat", Word: "ことり", Clock: "09:41", NFC: true, Nav: "home", Tapped: "カード"}
	uitest.Pages(t, site, []uitest.Page{
		{Name: "in a browser", Screen: ui.Screen{Page: "one", Data: page, Poll: 2 * time.Second}},
		{Name: "in the phone", Screen: ui.Screen{Page: "one", Data: page, Frame: frame}},
		{Name: "trouble", Screen: ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: page.Trouble.With(ui.Text{JA: "安全", EN: "Safe"}, ui.Action{Label: "次へ", URL: "/"})}}},
	})
}

// A blocked secret has no tries to tell of, and what the detail says already is not
// said twice.
func TestTroubleRepeatsNothing(t *testing.T) {
	blocked := problem.New(problem.Refused, 403, "blocked", problem.Text{Title: "ロックされています。", Detail: "証明書は使われていません。窓口へ。"},
		problem.Text{Title: "Blocked.", Detail: "Your certificate was not used. Ask."}).With("tries_left", 0)
	safe := ui.Text{JA: "証明書は使われていません。", EN: "Your certificates were not used."}
	page := []uitest.Page{{Name: "blocked", Screen: ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: ui.TroubleOf(nil, blocked).With(safe, ui.Action{})}}}}
	for _, s := range []string{"あと0回", safe.JA + "</span>"} {
		if uitest.Has(t, sample(t), page, "blocked", ui.JA, s) {
			t.Errorf("the page says %q", s)
		}
	}
}

func TestAPageThatFailsIsNeverHalfAPage(t *testing.T) {
	site := sample(t)
	w := httptest.NewRecorder()
	err := site.Render(w, httptest.NewRequest("GET", "/", nil), ui.Screen{Page: "one", Data: struct{}{}})
	if err == nil || w.Code != 500 || strings.Contains(w.Body.String(), "<html") {
		t.Errorf("Render = %v, %d %q; want an error and nothing of the page", err, w.Code, w.Body)
	}
}

func TestTheLanguageIsTheChosenThenTheBrowsersThenJapanese(t *testing.T) {
	for _, c := range []struct {
		name, cookie, accept string
		want                 ui.Lang
	}{
		{"nothing said", "", "", ui.JA},
		{"the browser prefers English", "", "en-GB,en;q=0.9,ja;q=0.5", ui.EN},
		{"the browser prefers French, then Japanese", "", "fr, ja;q=0.8, en;q=0.5", ui.JA},
		{"chosen in the frame", "ja", "en", ui.JA},
		{"a cookie that is no language", "xx", "en", ui.EN},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", c.accept)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: ui.LangCookie, Value: c.cookie})
		}
		if got := ui.LangOf(r); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTheLanguageSwitchStaysOnThisOrigin(t *testing.T) {
	mux := http.NewServeMux()
	sample(t).Mount(mux)
	for back, want := range map[string]string{
		"/p/a/?x=1": "/p/a/?x=1", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "": "/",
	} {
		r := httptest.NewRequest("POST", "/language", strings.NewReader("to=en&back="+strings.ReplaceAll(back, "&", "%26")))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if got := w.Header().Get("Location"); w.Code != 303 || got != want {
			t.Errorf("back to %q: %d %q, want %q", back, w.Code, got, want)
		}
	}
}

func TestDatesAreWrittenTheWayPeopleReadThem(t *testing.T) {
	for _, c := range []struct{ at, ja, en string }{
		{"2026-11-22T03:00:00Z", "令和8年11月22日（2026-11-22）", "22 November 2026 (2026-11-22)"},
		{"2026-11-21T15:00:00Z", "令和8年11月22日（2026-11-22）", "22 November 2026 (2026-11-22)"}, // midnight in Japan
		{"2019-05-01T00:00:00Z", "令和元年5月1日（2019-05-01）", "1 May 2019 (2019-05-01)"},
		{"2019-04-30T00:00:00Z", "平成31年4月30日（2019-04-30）", "30 April 2019 (2019-04-30)"},
		{"1989-01-07T00:00:00Z", "昭和64年1月7日（1989-01-07）", "7 January 1989 (1989-01-07)"},
		{"1926-12-24T00:00:00Z", "大正15年12月24日（1926-12-24）", "24 December 1926 (1926-12-24)"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := ui.Date(ui.JA, at); got != c.ja {
			t.Errorf("%s: %s, want %s", c.at, got, c.ja)
		}
		if got := ui.Date(ui.EN, at); got != c.en {
			t.Errorf("%s: %s, want %s", c.at, got, c.en)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -12800: "-12,800", 1234567: "1,234,567"} {
		if got := ui.Number(n); got != want {
			t.Errorf("Number(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestAQRCodeTakesOnlyWhatScannersAgreeOn(t *testing.T) {
	if _, err := ui.QR("手形", "x"); err == nil {
		t.Error("Japanese in a QR code was not refused")
	}
	svg, err := ui.QR("http://phone.localhost:8403/open?request_uri=x", `a"<b`)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(svg), `aria-label="a&#34;&lt;b"`) {
		t.Errorf("the label is not escaped: %.200s", svg)
	}
}

func TestTheCommonWordsAreCompleteAndUsed(t *testing.T) {
	root := t.TempDir()
	for _, glob := range []string{"words/*.json", "templates/*.html"} {
		files, _ := filepath.Glob(glob)
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, filepath.Base(f)), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The names of pictures are for the party that lets a holder choose one, and reasons
	// for those that show certificates.
	os.WriteFile(filepath.Join(root, "pictures.html"), []byte(`{{tg "ui.picture" .}}{{tg "ui.revoked" .}}`), 0o600)
	uitest.Words(t, os.DirFS(root), ".")
	words, err := ui.OpenCatalogue(os.DirFS("words"))
	if err != nil {
		t.Fatal(err)
	}
	for reason := range 11 { // RFC 5280, section 5.3.1
		if !words.Has(ui.JA, "ui.revoked."+ui.Revoked(reason)) {
			t.Errorf("reason %d has no words", reason)
		}
	}
	for _, name := range ui.PictureNames() {
		if !words.Has(ui.JA, "ui.picture."+name) {
			t.Errorf("the picture %s has no name", name)
		}
	}
}

func TestAssetsAreServedByTheirHashAndNothingElse(t *testing.T) {
	a, err := ui.OpenAssets(fstest.MapFS{"own.js": {Data: []byte("1")}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		a.URL("tegata.css"): 200, a.URL("own.js"): 200, a.URL("fonts/noto-sans-jp-119-400-normal.woff2"): 200,
		"/static/old/ui.js": 200, a.URL("../ui.go"): 404, a.URL("fonts"): 404, a.URL("none"): 404,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		a.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	css, err := os.ReadFile("static/tegata.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`fonts/[a-z0-9-]+\.woff2`).FindAllString(string(css), -1) {
		if _, err := os.Stat("static/" + m); err != nil {
			t.Errorf("the style sheet names %s, which is not here", m)
		}
	}
}

// The committed style sheet is what build/ makes. It needs node and npm ci in
// build/; without them the test says so, or fails when tools are required.
func TestTheStyleSheetIsTheOneThatBuildMakes(t *testing.T) {
	cli := filepath.Join("build", "node_modules", ".bin", "tailwindcss")
	if _, err := os.Stat(cli); err != nil {
		if os.Getenv("TEGATA_TOOLS") == "required" {
			t.Fatal("run npm ci in internal/ui/build")
		}
		t.Skip("NOT CHECKED: the style sheet against its source; run npm ci in internal/ui/build")
	}
	out := filepath.Join(t.TempDir(), "out.css")
	cmd := exec.Command("./node_modules/.bin/tailwindcss", "-i", "tegata.css", "-o", out, "--minify")
	cmd.Dir = "build"
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	got, err := os.ReadFile("static/tegata.css")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("static/tegata.css differs from a rebuild: run npm run build in internal/ui/build and commit the result")
	}
}

// What a form left is said by its page alone, again at a reload, and no browser can
// make a page do anything with it but say words.
func TestWhatAFormLeavesIsSaidByThePageThatItLeadsTo(t *testing.T) {
	site := sample(t)
	from := httptest.NewRequest("POST", "/login", nil)
	said := func(c *http.Cookie, path string) ui.Later {
		r := httptest.NewRequest("GET", path, nil)
		if c != nil {
			r.AddCookie(c)
		}
		return site.Said(r)
	}
	w := httptest.NewRecorder()
	site.GoTo(w, from, ui.Later{Path: "/trouble", Trouble: ui.TroubleOf(nil, refused()), Entered: url.Values{"birth": {"1980-02-17"}}}, "lost")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/trouble#lost" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	cookie := w.Result().Cookies()[0]
	if !cookie.HttpOnly || cookie.Secure || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie is %v", cookie)
	}
	for range 2 {
		l := said(cookie, "/trouble")
		if l.Trouble == nil || l.Trouble.Code != "wrong-password" || l.Trouble.TriesLeft != 3 || l.Entered.Get("birth") != "1980-02-17" {
			t.Fatalf("said %+v", l)
		}
	}
	if l := said(cookie, "/other"); l.Trouble != nil {
		t.Error("another page says it")
	}
	for _, value := range []string{"", "x", "bnVsbA", "e30", base64.RawURLEncoding.EncodeToString([]byte(`{"path":"/trouble"}`))} {
		if l := said(&http.Cookie{Name: cookie.Name, Value: value}, "/trouble"); l.Trouble != nil {
			t.Errorf("%q: said %+v", value, l)
		}
	}
	made := base64.RawURLEncoding.EncodeToString([]byte(`{"path":"/trouble","trouble":{"Kind":"x","Status":7,"Next":{"Label":"go","URL":"https://evil.example/"}}}`))
	l := said(&http.Cookie{Name: cookie.Name, Value: made}, "/trouble")
	if l.Trouble == nil || l.Trouble.Kind != problem.OurFault || l.Trouble.Status != 500 || l.Trouble.Next != (ui.Action{}) {
		t.Errorf("said %+v", l.Trouble)
	}
	long := ui.TroubleOf(nil, refused())
	long.Detail.JA = strings.Repeat("長い", 2000)
	w = httptest.NewRecorder()
	site.GoTo(w, from, ui.Later{Path: "/trouble", Trouble: long}, "")
	if c := w.Result().Cookies()[0]; len(c.Value) > 4000 || said(c, "/trouble").Trouble.Code != "wrong-password" {
		t.Errorf("%d bytes of a cookie", len(c.Value))
	}
}

func TestYen(t *testing.T) {
	for n, want := range map[int64][2]string{0: {"0円", "¥0"}, 999: {"999円", "¥999"}, 1000: {"1,000円", "¥1,000"}, -1234567: {"-1,234,567円", "-¥1,234,567"}} {
		if ja, en := ui.Yen(ui.JA, n), ui.Yen(ui.EN, n); ja != want[0] || en != want[1] {
			t.Errorf("%d: %s, %s", n, ja, en)
		}
	}
}
